const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

/** Decodes UTF-8. Invalid bytes become U+FFFD, as in the tools that read these files. */
export function toText(content: Uint8Array): string {
  return decoder.decode(content);
}

export function toBytes(text: string): Uint8Array {
  return encoder.encode(text);
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

/** Odd bytes become U+FFFD, as they do for the tools that read these files as text. */
export function toText(content: Uint8Array): string {
  return decoder.decode(content);
}

export function toBytes(text: string): Uint8Array {
  return encoder.encode(text);
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

/** Decodes UTF-8. Invalid bytes become U+FFFD, as in the tools that read these files. */
export function toText(content: Uint8Array): string {
  return decoder.decode(content);
}

export function toBytes(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Returns the bytes of a base64 text in hex, or null where it is none. Node.js 24 has no `Uint8Array.fromBase64`. */
export function hexOfBase64(text: string): string | null {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes.toString('hex') : null;
}

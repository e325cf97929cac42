/** Returns a unique key for one change. */
export function newKey(): string {
  // `randomUUID` is missing on pages without TLS.
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

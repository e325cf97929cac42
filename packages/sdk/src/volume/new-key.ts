/** A name for one change, which nobody else gives to another one. */
export function newKey(): string {
  // `randomUUID` is not there on pages that came without encryption.
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

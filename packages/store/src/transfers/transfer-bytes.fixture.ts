/** Returns bytes of a test object from `start`. They are the same in every process. */
export function bytesFrom(start: number, count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  for (let index = 0; index < count; index++) bytes[index] = (Math.imul(start + index, 2_654_435_761) >>> 13) & 0xff;
  return bytes;
}

const pieceSizes = [1, 7, 511, 512, 513, 4096, 65_536, 1 << 20];

/** Yields bytes in pieces of a size that depends on them. Each piece is overwritten by the next. */
export async function* piecewise(bytes: Uint8Array): AsyncGenerator<Buffer> {
  const sum = bytes.subarray(0, 4096).reduce((total, byte) => total + byte, bytes.length);
  const size = Math.max(pieceSizes[sum % pieceSizes.length] ?? 512, bytes.length >> 10);
  for (let at = 0; at < bytes.length; at += size) {
    await Promise.resolve();
    yield Buffer.from(bytes.subarray(at, at + size));
  }
}

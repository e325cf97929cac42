/** Yields the same parts, and calls `onBytes` as their data is read. */
export async function* countBytes<T extends { readonly data: AsyncIterable<Uint8Array> }>(
  parts: AsyncIterable<T>,
  onBytes: (count: number) => void,
): AsyncGenerator<T> {
  for await (const part of parts) yield { ...part, data: counted(part.data, onBytes) };
}

async function* counted(data: AsyncIterable<Uint8Array>, onBytes: (count: number) => void): AsyncGenerator<Uint8Array> {
  for await (const piece of data) {
    onBytes(piece.byteLength);
    yield piece;
  }
}

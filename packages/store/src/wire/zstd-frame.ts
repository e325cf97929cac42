// The parts of RFC 8878, "Zstandard Frames", that tell where a frame ends.
// Not Node's `rejectGarbageAfterEnd`: it accepts a second frame.

const magic = 0xfd_2f_b5_28;
const contentSizeBytes = [0, 2, 4, 8] as const;
const dictionaryBytes = [0, 1, 2, 4] as const;
/** Block types. A block of any other type has as many bytes as its header says. */
const repeatedByte = 1;
const reserved = 3;

/** Returns whether the bytes are exactly one zstd frame. */
export function isOneZstdFrame(bytes: Buffer): boolean {
  if (bytes.length < 6 || bytes.readUInt32LE() !== magic) return false;
  const descriptor = bytes[4] as number;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const sizeFlag = descriptor >> 6;
  const sizeBytes = sizeFlag === 0 && isSingleSegment ? 1 : (contentSizeBytes[sizeFlag] as number);
  let at = 5 + (isSingleSegment ? 0 : 1) + (dictionaryBytes[descriptor & 3] as number) + sizeBytes;
  for (let isLast = false; !isLast;) {
    if (at + 3 > bytes.length) return false;
    const header = bytes.readUIntLE(at, 3);
    const type = (header >> 1) & 3;
    if (type === reserved) return false;
    isLast = (header & 1) !== 0;
    at += 3 + (type === repeatedByte ? 1 : header >> 3);
  }
  const hasChecksum = (descriptor & 4) !== 0;
  return at + (hasChecksum ? 4 : 0) === bytes.length;
}

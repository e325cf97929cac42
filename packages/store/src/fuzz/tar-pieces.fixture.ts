import type { Piece } from './fuzz-target.fixture.ts';

const blockBytes = 512;

function isHeader(input: Buffer, at: number): boolean {
  return at + blockBytes <= input.length && input.toString('latin1', at + 257, at + 262) === 'ustar';
}

/** Mode, owners, size, time, checksum. Type and magic are mutated like numbers. */
const numbers: readonly (readonly [at: number, bytes: number])[] = [
  [100, 8],
  [108, 8],
  [124, 12],
  [136, 12],
  [148, 8],
];

/** Returns the blocks of an archive and the fields of its headers. */
export function tarPieces(input: Buffer): readonly Piece[] {
  const pieces: Piece[] = [];
  for (let at = 0; at + blockBytes <= input.length && pieces.length < 2000; at += blockBytes) {
    pieces.push({ kind: 'block', at, bytes: blockBytes });
    if (!isHeader(input, at)) continue;
    for (const [field, bytes] of numbers) pieces.push({ kind: 'octal', at: at + field, bytes });
    pieces.push({ kind: 'little', at: at + 156, bytes: 1 }, { kind: 'block', at, bytes: 100 });
    pieces.push({ kind: 'block', at: at + 157, bytes: 100 });
  }
  return pieces;
}

/** Corrects the checksums of all blocks that look like headers. */
export function mendSums(input: Buffer): void {
  for (let at = 0; at + blockBytes <= input.length; at += blockBytes) {
    if (!isHeader(input, at)) continue;
    const header = input.subarray(at, at + blockBytes);
    header.fill(0x20, 148, 156);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  }
}

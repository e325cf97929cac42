import { digestOf, encodeIndex, openIndex } from '@cachelane/core';
import { realFiles } from '../files/store-files.ts';
import type { ThreadWork } from '../threads/thread-work.ts';
import { frameContentSync, free } from './frames.ts';
import type { PieceAnswer, PieceJob, PieceThreadStart } from './piece-messages.ts';
import { openSink } from './piece-sinks.ts';
import { takePiece, type TakenPiece } from './take-piece.ts';

/** Returns the work of a thread: decompress and check pieces, and write the entries that are whole in them. */
export function pieceWork({
  index: bytes,
  starts,
  links,
  sink: place,
}: PieceThreadStart): ThreadWork<PieceJob, PieceAnswer> {
  const index = openIndex(bytes);
  const sink = openSink(place, realFiles);

  const answer = (job: PieceJob): PieceAnswer => {
    if (job.kind === 'index') return { kind: 'index', digest: digestOf(encodeIndex(index.entries())) };
    const { kind, bytes: given, sizeBytes } = job.piece;
    // A message arrives as a plain Uint8Array.
    const piece = Buffer.from(given.buffer, given.byteOffset, given.byteLength);
    const content = kind === 'content' ? piece : frameContentSync({ compressed: piece, sizeBytes });
    const taken = takePiece({ index, starts, links }, job.place, { content, sink });
    // A piece inside a large file goes back unchanged.
    if (taken.head.length === content.length) return { kind: 'piece', taken };
    const kept: TakenPiece = { ...taken, head: ownBytes(taken.head), tail: ownBytes(taken.tail) };
    free(content);
    return { kind: 'piece', taken: kept };
  };

  return (job) => {
    const answered = answer(job);
    return { answer: answered, transfer: transferable(answered) };
  };
}

/** Copies the bytes: sending a view would send all the memory it shares. */
function ownBytes(bytes: Buffer): Buffer {
  const own = Buffer.allocUnsafeSlow(bytes.length);
  own.set(bytes);
  return own;
}

function transferable(answered: PieceAnswer): ArrayBuffer[] {
  if (answered.kind !== 'piece') return [];
  const { head, tail } = answered.taken;
  return [...new Set([head.buffer, tail.buffer])].filter((buffer) => buffer instanceof ArrayBuffer);
}

import { parentPort, workerData } from 'node:worker_threads';
import { digestOf, encodeIndex, invariant, openIndex } from '@cachelane/core';
import { realFiles } from '../layers/store-files.ts';
import { frameContentSync, free } from './frames.ts';
import { openSink } from './piece-sinks.ts';
import { takePiece, type TakenPiece } from './take-piece.ts';
import { plainError, type ThreadAnswer, type ThreadJob, type ThreadStart } from './thread-messages.ts';

// A thread that takes pieces of archives: decompresses, checks and puts in place what lies whole in them.

const { index: bytes, starts, sink: place } = workerData as ThreadStart;
const port = parentPort;
invariant(port !== null, 'this is the start of a thread');
const index = openIndex(bytes);
const sink = openSink(place, realFiles);

function answer(job: ThreadJob): ThreadAnswer {
  if (job.kind === 'index') return { kind: 'index', digest: digestOf(encodeIndex(index.entries())) };
  const { kind, bytes: given, sizeBytes } = job.piece;
  // What is sent comes as plain bytes.
  const piece = Buffer.from(given.buffer, given.byteOffset, given.byteLength);
  const content = kind === 'content' ? piece : frameContentSync({ compressed: piece, sizeBytes });
  const taken = takePiece({ index, starts }, job.place, { content, sink });
  // A piece of a large file goes back as it is.
  if (taken.head.length === content.length) return { kind: 'piece', taken };
  const kept: TakenPiece = { ...taken, head: ownBytes(taken.head), tail: ownBytes(taken.tail) };
  free(content);
  return { kind: 'piece', taken: kept };
}

/** Of its own: else all that it shares its memory with would be sent. */
function ownBytes(bytes: Buffer): Buffer {
  const own = Buffer.allocUnsafeSlow(bytes.length);
  own.set(bytes);
  return own;
}

port.on('message', (job: ThreadJob) => {
  let answered: ThreadAnswer;
  try {
    answered = answer(job);
  } catch (error) {
    answered = { kind: 'failed', error: plainError(error) };
  }
  port.postMessage(answered, transferable(answered));
});

function transferable(answered: ThreadAnswer): ArrayBuffer[] {
  if (answered.kind !== 'piece') return [];
  const { head, tail } = answered.taken;
  return [...new Set([head.buffer, tail.buffer])].filter((buffer) => buffer instanceof ArrayBuffer);
}

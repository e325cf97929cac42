import { parentPort, workerData } from 'node:worker_threads';
import { invariant } from '@cachelane/core';
import { fileWork } from '../../filling/file-work.ts';
import type { PieceThreadStart } from '../../wire/piece-messages.ts';
import { pieceWork } from '../../wire/piece-work.ts';
import { plainError } from '../plain-error.ts';
import type { Done, ThreadAnswer, ThreadStart, ThreadWork } from '../thread-work.ts';

// The code of every thread. Jobs run one after another, in the order of arrival.

const port = parentPort;
invariant(port !== null, 'this is the start of a thread');
const work = workOf(workerData as ThreadStart);

function workOf(start: ThreadStart): ThreadWork<never, unknown> {
  switch (start.work) {
    case 'pieces':
      return pieceWork(start.given as PieceThreadStart);
    case 'files':
      return fileWork;
  }
}

port.on('message', (job: unknown) => {
  let done: Done<ThreadAnswer<unknown>>;
  try {
    const { answer, transfer } = work(job as never);
    done = { answer: { kind: 'done', answer }, transfer };
  } catch (error) {
    done = { answer: { kind: 'failed', error: plainError(error) }, transfer: [] };
  }
  port.postMessage(done.answer, [...done.transfer]);
});
port.postMessage({ kind: 'ready' } satisfies ThreadAnswer<unknown>);

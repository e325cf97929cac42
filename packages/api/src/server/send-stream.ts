import type { ServerResponse } from 'node:http';
import type { Answer } from '../execute/execute.ts';

export interface StreamLimits {
  /** Milliseconds for the client to read one answer before the next. */
  readonly answerMs: number;
}

/** Sends answers as server-sent events (`next`, finally `complete`), waiting for the client to read. */
export async function sendStream(
  response: ServerResponse,
  answers: AsyncIterable<Answer> | Iterable<Answer>,
  { answerMs }: StreamLimits,
): Promise<void> {
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  // The client may rely on seeing all events after the headers.
  response.flushHeaders();
  for await (const answer of answers) {
    if (response.destroyed) return;
    if (!response.write(`event: next\ndata: ${JSON.stringify(answer)}\n\n`)) await drained(response, answerMs);
  }
  response.end('event: complete\ndata:\n\n');
}

/** Waits until the client has read. A client that does not read in time is disconnected. */
async function drained(response: ServerResponse, withinMs: number): Promise<void> {
  const timer = setTimeout(() => response.destroy(), withinMs).unref();
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}

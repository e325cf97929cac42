import type { ServerResponse } from 'node:http';
import type { Answer } from '../execute/execute.ts';

export interface StreamLimits {
  /** Milliseconds that a client has to take what was sent before the next one. */
  readonly answerMs: number;
}

/** Sends answers as server-sent events (`next`, and `complete` at the end), no faster than they are read. */
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
  // Whoever reads this knows that nothing is missed from here on.
  response.flushHeaders();
  for await (const answer of answers) {
    if (response.destroyed) return;
    if (!response.write(`event: next\ndata: ${JSON.stringify(answer)}\n\n`)) await drained(response, answerMs);
  }
  response.end('event: complete\ndata:\n\n');
}

/** A client that does not read loses its connection. */
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

import { expect, test } from 'vitest';
import { serverSentEvents, type ServerSentEvent } from './server-sent-events.ts';

async function read(text: string, size: number): Promise<readonly ServerSentEvent[]> {
  const bytes = new TextEncoder().encode(text);
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
  }
  const events: ServerSentEvent[] = [];
  for await (const event of serverSentEvents(chunks())) events.push(event);
  return events;
}

test.each([1, 2, 3, 5, 1000])('events in pieces of %i bytes are parsed the same', async (size) => {
  const text =
    ': a comment\r\n\r\nevent: next\r\ndata: {"a":\r\ndata:  "ä€😀"}\r\n\r\nevent:complete\ndata:\n\ndata: alone\n\nid: 1\n\nevent: cut';
  expect(await read(text, size)).toEqual([
    { event: 'next', data: '{"a":\n "ä€😀"}' },
    { event: 'complete', data: '' },
    { event: 'message', data: 'alone' },
  ]);
});

import { expect, test } from 'vitest';
import { fakeEngine, refusal } from './fake-engine.fixture.ts';

const stream = (...pieces: readonly string[]): Response => {
  const bytes = pieces.map((piece) => new TextEncoder().encode(piece));
  return new Response(ReadableStream.from(bytes) as ReadableStream<Uint8Array>, {
    headers: { 'content-type': 'text/event-stream; charset=utf-8' },
  });
};
const event = (type: string): string => `event: next\ndata: ${JSON.stringify({ data: { events: { type } } })}\n\n`;

test('events arrive in order until the engine completes', async () => {
  const text = `: hello\n\n${event('ATTACHED')}${event('SAVED')}event: complete\ndata:\n\n`;
  // Cut at any byte.
  const pieces = text.match(/[^]{1,7}/g) ?? [];
  const fake = fakeEngine(() => stream(...pieces));
  await using engine = await fake.connect();
  const events = engine.events();
  await events.opened;
  expect(fake.asked[0]?.headers.get('accept')).toBe('text/event-stream');
  const types = [];
  for await (const { type } of events) types.push(type);
  expect(types).toEqual(['ATTACHED', 'SAVED']);
});

test('an interrupted stream gives an error, and so does a refusal', async () => {
  await using cut = await fakeEngine(() => stream(event('ATTACHED'))).connect();
  const events = cut.events();
  expect((await events.next()).value).toEqual({ type: 'ATTACHED' });
  await expect(events.next()).rejects.toMatchObject({ code: 'E_ENGINE_GONE' });

  await using busy = await fakeEngine(() => refusal('E_ENGINE_BUSY')).connect();
  const refused = busy.events();
  await expect(refused.opened).rejects.toMatchObject({ code: 'E_ENGINE_BUSY' });
  await expect(refused.next()).rejects.toMatchObject({ code: 'E_ENGINE_BUSY' });
});

test('events end with their reader', async () => {
  const fake = fakeEngine(() => stream(event('ATTACHED'), event('SAVED')));
  await using engine = await fake.connect();
  for await (const { type } of engine.events()) {
    expect(type).toBe('ATTACHED');
    break;
  }
  expect(fake.asked[0]?.signal?.aborted).toBe(true);
});

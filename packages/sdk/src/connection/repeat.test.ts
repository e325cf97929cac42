import { describe, expect, test } from 'vitest';
import { fakeEngine, info, refusal, type Answering } from '../engine/fake-engine.fixture.ts';
import { LostAnswerError } from '../errors/lost-answer-error.ts';

const rolledBack = { lane: 't1:local', from: 2, to: 1, generation: 3, keptOnTop: 0 };

/** An engine that loses so many answers, after or before it executed the request. */
function losing(times: number, how: 'after' | 'before', answering: Answering): Answering {
  let left = times;
  return async (asked) => {
    if (asked.name === 'volumeByKey') return { cacheVolume: info('id-1') };
    if (left === 0) return await answering(asked);
    left -= 1;
    const code = how === 'after' ? 'ECONNRESET' : 'ECONNREFUSED';
    throw new TypeError('fetch failed', { cause: Object.assign(new Error(code), { code }) });
  };
}

describe('a lost answer', () => {
  test('of a mutation repeats the request with the same key', async () => {
    const fake = fakeEngine(losing(2, 'after', () => ({ rollback: rolledBack })));
    await using engine = await fake.connect();
    expect(await engine.cacheVolume('npm').rollback()).toEqual(rolledBack);
    const keys = fake.asked.filter(({ name }) => name === 'rollback').map(({ variables }) => variables['key']);
    expect(keys).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/), keys[0], keys[0]]);
  });

  test('that never comes is an error that says how to repeat the call', async () => {
    const fake = fakeEngine(losing(Infinity, 'after', () => ({})));
    await using engine = await fake.connect();
    const failed = await engine
      .cacheVolume('npm')
      .prune({ key: 'nightly' })
      .catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(LostAnswerError);
    expect(failed).toMatchObject({ code: 'E_ENGINE_GONE', retryable: true, key: 'nightly' });
    expect(failed).toMatchObject({ hint: expect.stringContaining('"nightly": the change is made only once') });
    expect(fake.asked.filter(({ name }) => name === 'prune')).toHaveLength(3);
    // A later save would be removed too.
    await expect(engine.cacheVolume('npm').remove()).rejects.toMatchObject({
      key: null,
      hint: expect.stringMatching(/^check the present state/),
    });
  });

  test('of a query, or of a request that was never sent, is a plain error', async () => {
    await using refused = await fakeEngine(losing(Infinity, 'before', () => ({}))).connect();
    const unsent = await refused
      .cacheVolume('npm')
      .remove()
      .catch((error: unknown) => error);
    expect(unsent).toMatchObject({ code: 'E_ENGINE_GONE' });
    expect(unsent).not.toBeInstanceOf(LostAnswerError);
    await using reading = await fakeEngine(losing(Infinity, 'after', () => ({}))).connect();
    expect(await reading.context().catch((error: unknown) => error)).not.toBeInstanceOf(LostAnswerError);
  });

  test("does not repeat the program's own document, since that may not be safe", async () => {
    const fake = fakeEngine(losing(1, 'after', () => ({ remove: [] })));
    await using engine = await fake.connect();
    await expect(engine.query('mutation { remove(volume: "x") { lane } }')).rejects.toMatchObject({
      code: 'E_ENGINE_GONE',
    });
    expect(fake.asked).toHaveLength(1);
  });

  test('is not awaited after an abort or an error of the engine', async () => {
    const controller = new AbortController();
    const fake = fakeEngine((asked) => {
      if (asked.name === 'volumeByKey') return { cacheVolume: info('id-1') };
      controller.abort(new Error('enough'));
      throw new TypeError('fetch failed');
    });
    await using engine = await fake.connect();
    await expect(engine.cacheVolume('npm').remove({ signal: controller.signal })).rejects.toMatchObject({
      code: 'E_ABORTED',
    });
    const no = fakeEngine(losing(1, 'after', () => refusal('E_NOT_SAVED')));
    await using other = await no.connect();
    await expect(other.cacheVolume('npm').remove()).rejects.toMatchObject({ code: 'E_NOT_SAVED' });
  });
});

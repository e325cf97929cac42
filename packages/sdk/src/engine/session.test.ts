import { afterEach, describe, expect, test, vi } from 'vitest';
import { fakeEngine, info, json, refusal, type Answering } from './fake-engine.fixture.ts';

const volumes: Answering = () => ({ cacheVolume: info('id-1') });

afterEach(() => {
  vi.useRealTimers();
});

describe('a session', () => {
  test('is closed with its engine, but not with a derived one', async () => {
    const fake = fakeEngine(volumes);
    const engine = await fake.connect();
    await engine.scope('a').close();
    await engine.cacheVolume('npm').id();
    await engine.close();
    await engine.close();
    expect(fake.asked.map(({ name }) => name)).toEqual(['volumeByKey', 'closeSession']);
    await expect(engine.context()).rejects.toMatchObject({ code: 'E_ABORTED' });
  });

  test('is opened again once if the engine has forgotten it', async () => {
    const fake = fakeEngine(({ headers }) =>
      headers.get('cachelane-session') === 'session-1' ? refusal('E_SESSION_GONE') : { usage: [] },
    );
    await using engine = await fake.connect();
    expect(await Promise.all([engine.usage(), engine.usage({ by: 'LANE' })])).toEqual([[], []]);
    expect(fake.sessions).toEqual(['session-1', 'session-2']);
  });

  test('is not opened again for a missing field', async () => {
    const fake = fakeEngine(() => refusal('E_NOT_FOUND', { path: ['cacheVolume'] }));
    await using engine = await fake.connect();
    await expect(engine.cacheVolume('x').id()).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
    expect(fake.sessions).toEqual(['session-1']);
  });

  test('of another program is used and not closed', async () => {
    const fake = fakeEngine(volumes);
    await using engine = await fake.connect({ session: 'theirs' });
    await engine.cacheVolume('npm').id();
    await engine.close();
    expect(fake.sessions).toEqual([]);
    expect(fake.asked.map(({ headers }) => headers.get('cachelane-session'))).toEqual(['theirs']);
  });

  test('sends heartbeats every few seconds until it is closed', async () => {
    vi.useFakeTimers();
    let beats = 0;
    const fake = fakeEngine(volumes);
    const engine = await fake.connect({
      fetch: async (_: unknown, init: RequestInit = {}) => {
        const { operationName } = JSON.parse(init.body as string) as { readonly operationName: string };
        if (operationName === 'engineFacts' && new Headers(init.headers).has('cachelane-session')) beats += 1;
        return json({
          data: { engine: { version: '1', protocolVersion: 1 }, openSession: { token: 't' }, closeSession: true },
        });
      },
    });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(beats).toBeGreaterThanOrEqual(3);
    await engine.close();
    expect(vi.getTimerCount()).toBe(0);
    const atEnd = beats;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(beats).toBe(atEnd);
  });
});

import { describe, expect, test } from 'vitest';
import { noAbort } from '../metadata/metadata-builders.ts';
import { faultyRemote } from './faulty-remote.ts';
import { remoteHeadsConformance } from './heads-conformance.ts';
import { damageMemoryHead, emptyRemoteState, memoryRemote } from './memory-remote.ts';
import { remoteObjectsConformance } from './objects-conformance.ts';
import { asText, contentOf, countingAttempts, key, sourceOf, text } from './remote-builders.ts';
import type { RemoteFactory } from './remote-fixture.ts';

const create: RemoteFactory = () => {
  const state = emptyRemoteState();
  return Promise.resolve({
    open: () => Promise.resolve(memoryRemote(state)),
    damageHead: (damagedKey) => Promise.resolve(damageMemoryHead(state, damagedKey)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
};

remoteObjectsConformance('memory', create);
remoteHeadsConformance('memory', create);

describe('a faulty remote', () => {
  test('loses answers before and after it acts', async () => {
    const state = emptyRemoteState();
    const faulty = faultyRemote(memoryRemote(state), ({ number }) => (number === 1 ? 'before' : 'after'));
    const request = { key: key('a'), bytes: text('x'), expected: null, attempt: countingAttempts()() };
    await expect(faulty.heads.swap(request, noAbort)).rejects.toMatchObject({ code: 'E_REMOTE_UNKNOWN' });
    expect(state.heads.size).toBe(0);
    await expect(faulty.heads.swap(request, noAbort)).rejects.toMatchObject({ code: 'E_REMOTE_UNKNOWN' });
    expect(state.heads.size).toBe(1);
  });

  test('breaks off downloads', async () => {
    const state = emptyRemoteState();
    await memoryRemote(state).objects.put(key('a'), sourceOf(text('0123456789')), noAbort);
    const faulty = faultyRemote(memoryRemote(state), () => ({ afterBytes: 4 }));
    let got = '';
    const read = async () => {
      for await (const piece of (await faulty.objects.get(key('a'), {}, noAbort))?.data ?? []) got += asText(piece);
    };
    await expect(read()).rejects.toMatchObject({ code: 'E_REMOTE_GONE' });
    expect(got).toBe('0123');
    expect(asText(await contentOf(await memoryRemote(state).objects.get(key('a'), {}, noAbort)))).toBe('0123456789');
  });
});

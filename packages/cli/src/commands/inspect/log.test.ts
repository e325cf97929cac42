import { aLayer, noAbort, pushRequest } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { stage } from '../../fixtures/staged-host.fixture.ts';
import { ids, json, localName, push, startMs, web } from '../share/pushed.fixture.ts';

describe('log', () => {
  test('newest first', async () => {
    using on = stage();
    await push(on, { layers: ['a', 'b'] });
    expect(await on.cachelane('log', `${web}:npm`, '--json')).toBe(0);
    expect(json(on)).toEqual([
      {
        generation: 2,
        layer: aLayer('b'),
        layersCame: [{ layer: aLayer('b'), run: expect.stringMatching(/^run_/) as string }],
        layersLeft: 0,
        run: expect.stringMatching(/^run_/),
        purpose: 'run',
        revoked: null,
        lane: 't1:local',
        at: '2026-01-02T00:00:00.000Z',
        added: 3,
        changed: 2,
        removed: 1,
        bytes: 4096,
      },
      expect.objectContaining({ generation: 1, layer: aLayer('a') }),
    ]);
    expect(await on.cachelane('log', `${web}:npm`, '--lane', 't1:pr:1', '--json')).toBe(0);
  });

  test('marks prunes and unknown runs', async () => {
    using on = stage();
    await push(on, { layers: ['a'] });
    await push(on, { layers: ['b'], purpose: 'prune' });
    const [head] = await on.metadata.listHeads(noAbort);
    const { volumeId, generation } = head ?? expect.fail('there is no head');
    const onto = { generation, layers: [] };
    const mend = pushRequest({ volumeId, run: ids.run(), onto, layer: aLayer('c'), atMs: startMs + 1 });
    await on.metadata.commit({ ...mend, layers: [], layer: null }, noAbort);
    expect(await on.cachelane('log', `${web}:npm`, '--json')).toBe(0);
    expect(json(on)).toMatchObject([
      { purpose: null, layersCame: [], layersLeft: 2 },
      { purpose: 'prune' },
      { purpose: 'run' },
    ]);
    using told = stage({ metadata: on.metadata });
    await told.cachelane('log', `${web}:npm`);
    expect(told.out()).toContain('  2 removed  ');
    using plain = stage();
    await push(plain, { layers: ['a'] });
    await push(plain, { layers: ['b'], purpose: 'prune' });
    expect(await plain.cachelane('log', `${web}:npm`)).toBe(0);
    const [, pruned, ran] = plain.out().split('\n');
    expect(pruned).toMatch(/ run_\w{8} prune +3 +2 +1 /);
    expect(ran).toMatch(/ run_\w{8} +3 +2 +1 /);
  });

  test('a lane without history, and an invalid lane', async () => {
    using on = stage();
    await push(on, { layers: ['a'] });
    expect(await on.cachelane('log', `${web}:npm`, '--lane', 't1:ref:none')).toBe(0);
    expect(on.out()).toBe(`${web}:npm has no history in lane t1:ref:none.\n`);
    expect(await on.cachelane('log', `${web}:npm`, '--lane', 'bogus')).toBe(2);
    expect(on.err()).toContain('"bogus"');
  });

  test('a missing volume', async () => {
    using on = stage();
    await push(on, { layers: ['a'] });
    expect(await on.cachelane('log', `${web}:nmp`)).toBe(1);
    expect(on.err()).toContain('github.com/acme/web has no volume nmp; did you mean npm?');
    expect(await on.cachelane('log', 'npm')).toBe(1);
    expect(on.err()).toContain('has no volumes yet');
  });

  test('a renamed project is told where its volumes are', async () => {
    using on = stage();
    const local = await localName(on);
    await push(on, { namespace: local, layers: ['a'] });
    expect(await on.cachelane('log', '-n', web, 'npm')).toBe(1);
    expect(on.err()).toContain(`still belong to ${local}`);
  });
});

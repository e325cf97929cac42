import { openMemoryMounter } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { mergeRequestOfFork, stage } from '../staged-host.fixture.ts';
import { json, push, web } from './pushed.fixture.ts';

const withMounters = {
  openMounters: async () => {
    const mounter = openMemoryMounter();
    return await Promise.resolve({ overlay: mounter, clone: mounter, live: mounter });
  },
};

describe('ns show', () => {
  test('tells all names of a namespace, by any of them, and what it holds', async () => {
    using on = stage();
    await push(on, { layers: ['a', 'b'] });
    await on.cachelane('ns', 'rename', web, 'teams/site');
    expect(await on.cachelane('ns', 'show', web)).toBe(0);
    expect(on.out()).toMatch(/namespace: +teams\/site\n/);
    expect(on.out()).toContain(`also known as:  ${web}\n`);
    expect(on.out()).toContain('1 volume on 1 lane');
    expect(on.out()).toMatch(/npm +- +t1:local +2 /);
  });

  test('for programs', async () => {
    using on = stage();
    await push(on, { layers: ['a'] });
    await on.cachelane('ns', 'show', web, '--json');
    expect(json(on)).toMatchObject({
      namespace: web,
      aliases: [],
      heads: [{ volume: 'npm', lane: 't1:local', generation: 1, layers: 1 }],
    });
  });

  test('of one that is not there says so', async () => {
    using on = stage();
    expect(await on.cachelane('ns', 'show', 'github.com/acme/none')).toBe(1);
    expect(on.err()).toContain('there is no namespace github.com/acme/none');
  });
});

describe('ns rm', () => {
  test('takes every volume on every lane, once it was said what would go', async () => {
    using on = stage({ pieces: withMounters });
    await push(on, { layers: ['a', 'b'] });
    const signal = new AbortController().signal;
    expect(await on.cachelane('ns', 'rm', web, '--dry-run')).toBe(0);
    expect(on.out()).toBe(`would remove npm of ${web}: 1 head, 8.2 kB\n`);
    expect(await on.metadata.listHeads(signal)).toHaveLength(1);
    expect(await on.cachelane('ns', 'rm', web)).toBe(0);
    expect(await on.metadata.listVolumes(signal)).toEqual([]);
    expect(await on.cachelane('ns', 'rm', web)).toBe(0);
    expect(on.out()).toMatch(/removed no volumes of github\.com\/acme\/web: 0 heads, 0 B\n$/);
    expect(await on.cachelane('ns', 'rm', 'github.com/acme/none')).toBe(1);
    expect(on.err()).toContain('there is no namespace');
  });

  test('is refused where a run may save nothing', async () => {
    using on = stage({ env: mergeRequestOfFork, pieces: withMounters });
    await push(on, { layers: ['a'] });
    expect(await on.cachelane('ns', 'rm', web)).toBe(2);
    expect(on.err()).toContain('may not be written here');
    expect(await on.metadata.listHeads(new AbortController().signal)).toHaveLength(1);
  });
});

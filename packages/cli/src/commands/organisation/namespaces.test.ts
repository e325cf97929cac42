import { openMemoryMounter } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { mergeRequestOfFork, stage, type Stage } from '../../fixtures/staged-host.fixture.ts';
import { json, push, web } from '../share/pushed.fixture.ts';

const withMounters = {
  openMounters: async () => {
    const mounter = openMemoryMounter();
    return await Promise.resolve({ overlay: mounter, clone: mounter, live: mounter });
  },
};

describe('ns show', () => {
  test('shows all names of a namespace and its contents, by any name', async () => {
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

  test('of a missing namespace is an error', async () => {
    using on = stage();
    expect(await on.cachelane('ns', 'show', 'github.com/acme/none')).toBe(1);
    expect(on.err()).toContain('there is no namespace github.com/acme/none');
  });
});

describe('ns rm', () => {
  test('removes every volume on every lane, after a dry run lists them', async () => {
    using on = stage({ pieces: withMounters });
    await push(on, { layers: ['a', 'b'] });
    const signal = new AbortController().signal;
    expect(await on.cachelane('ns', 'rm', web, '--dry-run')).toBe(0);
    expect(on.out()).toBe(`would remove ${web} with npm: 1 head, 8.2 kB\n`);
    expect(await on.metadata.listHeads(signal)).toHaveLength(1);
    expect(await on.cachelane('ns', 'rm', web)).toBe(0);
    expect(await on.metadata.listVolumes(signal)).toEqual([]);
    expect(await on.cachelane('ns', 'rm', web)).toBe(0);
    expect(on.out()).toMatch(/removed github\.com\/acme\/web with no volumes: 0 heads, 0 B\n$/);
    expect(await on.cachelane('ns', 'rm', 'github.com/acme/none')).toBe(1);
    expect(on.err()).toContain('there is no namespace');
  });

  test('is refused if a run may not save', async () => {
    using on = stage({ env: mergeRequestOfFork, pieces: withMounters });
    await push(on, { layers: ['a'] });
    expect(await on.cachelane('ns', 'rm', web)).toBe(2);
    expect(on.err()).toContain('may not be written here');
    expect(await on.metadata.listHeads(new AbortController().signal)).toHaveLength(1);
  });
});

async function said(on: Stage, ...argv: string[]): Promise<string> {
  const before = on.out().length;
  expect(await on.cachelane('ns', 'create', ...argv), on.err()).toBe(0);
  return on.out().slice(before);
}

describe('ns create', () => {
  test('creates a namespace that is listed, shown and can have policies', async () => {
    using on = stage({ pieces: withMounters });
    expect(await said(on, 'teams/payments', '--dry-run')).toBe('would create teams/payments\n');
    await on.cachelane('ns', 'ls');
    expect(on.out()).toMatch(/There are no namespaces yet\.\n$/);
    expect(await said(on, 'teams/payments')).toBe('created teams/payments\n');
    const stays = 'already exists and stays until it is removed';
    expect(await said(on, 'teams/payments')).toBe(`teams/payments ${stays}\n`);
    expect(await said(on, 'teams/payments', '--dry-run')).toBe(
      `teams/payments ${stays.replace('stays', 'would stay')}\n`,
    );
    expect(await on.cachelane('ns', 'policy', 'teams/payments', 'keep-pr=1d')).toBe(0);
    expect(await on.cachelane('ns', 'show', 'teams/payments')).toBe(0);
    expect(on.out()).toContain('0 volumes on 0 lanes');
    await on.cachelane('ns', 'ls');
    expect(on.out()).toMatch(/^teams\/payments +0 +0 B /m);
  });

  test('for programs, also by an earlier name', async () => {
    using on = stage({ pieces: withMounters });
    const asked = async (...argv: string[]): Promise<unknown> => JSON.parse(await said(on, ...argv, '--json'));
    const made = { namespace: 'teams/payments', isNew: true };
    expect(await asked('teams/payments', '--dry-run')).toEqual({ ...made, dryRun: true, id: null });
    const { id } = (await asked('teams/payments')) as { readonly id: string };
    expect(id).toMatch(/^ns_/);
    await on.cachelane('ns', 'rename', 'teams/payments', 'teams/billing');
    const there = { dryRun: false, namespace: 'teams/billing', isNew: false, id };
    expect(await asked('teams/payments')).toEqual(there);
    expect(await said(on, 'teams/payments')).toBe(
      'teams/payments, an earlier name of teams/billing, already exists and stays until it is removed\n',
    );
  });

  test('is undone by ns rm, also for a namespace of runs', async () => {
    using on = stage({ pieces: withMounters });
    const { signal } = new AbortController();
    await said(on, 'teams/payments');
    expect(await on.cachelane('ns', 'rm', 'teams/payments', '--dry-run')).toBe(0);
    expect(await on.metadata.listNamespaces(signal)).toHaveLength(1);
    expect(await on.cachelane('ns', 'rm', 'teams/payments')).toBe(0);
    expect(on.out()).toMatch(/removed teams\/payments with no volumes: 0 heads, 0 B\n$/);
    expect(await on.metadata.listNamespaces(signal)).toEqual([]);

    await push(on, { layers: ['a'] });
    for (const { id } of await on.metadata.listSessions(signal)) {
      await on.metadata.closeSession(id, () => undefined, signal);
    }
    expect(await said(on, web)).toContain('already exists');
    await on.cachelane('rm', '-n', web, 'npm');
    expect(await on.metadata.listVolumes(signal)).toEqual([]);
    expect(await on.metadata.listNamespaces(signal)).toHaveLength(1);
    expect(await on.cachelane('ns', 'rm', web)).toBe(0);
    expect(await on.metadata.listNamespaces(signal)).toEqual([]);
  });

  test('is refused for an invalid name and if a run may not save', async () => {
    using on = stage({ env: mergeRequestOfFork });
    expect(await on.cachelane('ns', 'create', 'GitHub.com/Acme/Web')).not.toBe(0);
    expect(on.err()).toContain('write it like this: github.com/acme/web');
    expect(await on.cachelane('ns', 'create', 'teams/payments')).toBe(2);
    expect(on.err()).toContain('may not be written here');
    expect(await on.metadata.listNamespaces(new AbortController().signal)).toEqual([]);
  });
});

const refuse = async (): Promise<never> => await Promise.reject(new Error('everything was listed'));

test.each([
  ['ns', 'show', web],
  ['ns', 'rm', web],
  ['ls', '-n', web],
  ['log', '-n', web, 'npm'],
  ['explain', '-n', web, 'npm'],
  ['rm', '-n', web, 'npm'],
])('%s %s lists nothing of other namespaces', async (...argv) => {
  using on = stage({ pieces: withMounters });
  await push(on, { layers: ['a'] });
  Object.assign(on.metadata, { listVolumes: refuse, listHeads: refuse, listNamespaces: refuse });
  expect(await on.cachelane(...argv), on.err()).toBe(0);
});

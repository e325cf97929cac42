import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LayerId, Namespace, RemoteId } from '@cachelane/core';
import { noneProvider } from '@cachelane/engine';
import { aLayer, noAbort } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { mergeRequestOfFork, stage } from '../../fixtures/staged-host.fixture.ts';
import { json, push, web } from '../share/pushed.fixture.ts';

// How a volume would be attached and shared.

const config = 'volumes:\n  data: { path: cache, sharing: shared }\n';

test('place and sharing of the file are shown with their source', async () => {
  using on = stage();
  writeFileSync(join(on.project, 'cachelane.yaml'), config);
  await on.cachelane('explain', '--verbose', 'data');
  expect(on.out()).toContain(`path:          ${join(on.project, 'cache')} (cachelane.yaml:2)\n`);
  expect(on.out()).toContain('mounter:       live: its sharing is SHARED\n');
  expect(on.out()).toContain('sharing:       SHARED (cachelane.yaml)\n');
  expect(on.out()).toContain('attached by:   cachelane run, because of cachelane.yaml:2\n');
  using plain = stage();
  await plain.cachelane('explain', '--verbose', 'npm');
  expect(plain.out()).toContain('mounter:       overlay: volumes can be mounted here\n');
  expect(plain.out()).toContain('sharing:       PRIVATE\n');
});

test('in a run that may not save', async () => {
  using on = stage({ env: mergeRequestOfFork });
  writeFileSync(join(on.project, 'cachelane.yaml'), config);
  await on.cachelane('explain', '--verbose', 'data');
  expect(on.out()).toContain('mounter:       overlay: a run that may not save has a private view\n');
  expect(on.out()).toContain('sharing:       PRIVATE, not SHARED as in cachelane.yaml\n');
});

test('where nothing can be mounted', async () => {
  using on = stage({
    pieces: { probeMounts: () => Promise.resolve({ ok: false, reason: 'no bwrap', mend: 'install it' }) },
  });
  await on.cachelane('explain', '--verbose', 'npm', '--json');
  expect(JSON.parse(on.out())).toMatchObject({
    mounter: { mounter: 'clone', why: 'volumes cannot be mounted here: no bwrap' },
    sharing: { sharing: 'PRIVATE', asked: null },
  });
});

/** Explains a project with this sharing. */
async function budgetOf(...of: readonly string[]): Promise<unknown> {
  using on = stage();
  writeFileSync(join(on.project, 'cachelane.yaml'), 'policy:\n  volume-budget: 1MB\n');
  await push(on, { name: 'data', compat: { os: 'linux', arch: 'x64' }, layers: ['a'] });
  await on.cachelane('explain', '--verbose', ...of, '--json');
  return (json(on) as { policy: Record<string, unknown> }).policy['volume-budget'];
}

describe('explain', () => {
  test('before the first run', async () => {
    using on = stage();
    writeFileSync(join(on.project, 'package-lock.json'), '{}');
    expect(await on.cachelane('explain', '--verbose', 'npm', '-n', web, '--json')).toBe(0);
    expect(json(on)).toMatchObject({
      namespace: web,
      volume: 'npm',
      lowLevelId: null,
      inputs: { namespaceId: null, volume: 'npm', lane: 't1:local' },
      lane: 't1:local',
      trust: 'T1',
      canWrite: true,
      path: join(on.dir, '.npm'),
      chosenBy: 'package-lock.json',
      tool: { name: 'npm' },
      chain: [{ namespace: web, lane: 't1:local', generation: 0, layers: [], updatedAt: null }, {}],
      why: expect.stringMatching(/^A run here starts cold, and saves its changes to t1:local when/),
    });
  });

  test.each([
    ['refuse', /^A run here leaves it out: catalog-names is refuse, and it is in no catalog\.$/],
    ['warn', /^A run here starts cold, and saves its changes/],
  ])('a name in no catalog, with catalog-names %s', async (wanted, why) => {
    using on = stage();
    writeFileSync(join(on.project, 'cachelane.yaml'), `policy: { catalog-names: ${wanted} }\n`);
    expect(await on.cachelane('explain', '--verbose', 'npm', '-n', web, '--json')).toBe(0);
    expect(json(on)).toMatchObject({
      catalog: expect.stringContaining(`catalog-names is ${wanted} (cachelane.yaml`),
      why: expect.stringMatching(why),
    });
  });

  test.each([
    ['data', 'data', ['-n', web]],
    [`${web}:data`, `${web}:data`, []],
    [`${web}:data`, 'data', ['-n', web]],
  ])('a stored directory is explained without its path: %s, -v %s', async (address, flag, options) => {
    using on = stage();
    await push(on, { name: 'data', compat: { os: 'linux', arch: 'x64' }, layers: ['a'] });
    expect(await on.cachelane('explain', address, ...options)).toBe(0);
    expect(on.out().split('\n')[0]).toBe(`You get ${web}:data, if the run names it with -v ${flag}:PATH.`);
    expect(on.out()).toContain(`each run names it: -v ${flag}:PATH\n`);
    expect(on.out()).toMatch(/^reads: +t1:local.*: 5 files, 4\.1 kB$/m);
    using other = stage();
    await push(other, { name: 'data', layers: ['a'] });
    expect(await other.cachelane('explain', address, ...options, '--json')).toBe(0);
    expect(json(other)).toMatchObject({ path: null, volume: 'data' });
    expect(await on.cachelane('explain', 'dato', ...options)).toBe(2);
    expect(on.err()).toContain('there is no tool dato');
  });

  test('every volume that ls lists is explained, and one sentence answers first', async () => {
    using on = stage();
    const compat = { os: 'linux', arch: 'x64' };
    const machine = { os: 'other', arch: 'arm64' };
    await push(on, { layers: ['a'] });
    await push(on, { name: 'data', compat, layers: ['b'] });
    await push(on, { name: 'elsewhere', compat: machine, layers: ['c'] });
    await push(on, { namespace: 'teams' as Namespace, name: 'npm-old', layers: ['d'] });
    await push(on, { namespace: '~' as Namespace, name: 'images', layers: ['e'] });
    await push(on, { namespace: '~' as Namespace, layers: ['f'] });
    await push(on, { namespace: 'github.com/acme' as Namespace, name: 'shared', layers: ['g'], lane: 't2:ref:main' });
    using listing = stage({ metadata: on.metadata });
    await listing.cachelane('ls', '--json');
    const listed = json(listing) as readonly { readonly namespace: string; readonly volume: string }[];
    expect(listed).toHaveLength(7);
    for (const { namespace, volume } of listed) {
      using asked = stage({ metadata: on.metadata });
      expect([await asked.cachelane('explain', volume, '-n', namespace), asked.err()]).toEqual([0, '']);
      expect(asked.out()).toMatch(new RegExp(`^You get ${namespace}:${volume}[ ,;][^\\n]*\\.\\n`));
    }
  });

  test('a stored volume of a tool under another name: says what to write in the file', async () => {
    using on = stage();
    await push(on, { name: 'npm-old', layers: ['a'] });
    await on.cachelane('explain', 'npm-old', '-n', web);
    const use = 'to use it, write in cachelane.yaml: volumes: { npm-old: { tool: npm } }';
    expect(on.out().split('\n')[0]).toBe(`You get ${web}:npm-old; ${use}.`);
    expect(on.out()).not.toContain('-v npm-old');
  });

  test('a path that a run refuses is no volume, with the reason', async () => {
    using on = stage();
    expect(await on.cachelane('explain', 'd:/etc')).toBe(0);
    expect(on.out()).toMatch(
      /^You get no volume with -v d:\/etc: \/etc is or contains a system directory\.\nA run here leaves it out: /,
    );
  });

  test('a provider that saves nothing: no rows on what is saved', async () => {
    using on = stage({ pieces: { openProvider: () => Promise.resolve(noneProvider) } });
    await on.cachelane('explain', 'npm', '--provider', 'npm=none:');
    expect(on.out()).toContain('which cachelane does not save');
    expect(on.out()).not.toMatch(/^(writes|reads|saved|shared|kept):/m);
  });

  test('one sentence answers first, and a short table follows', async () => {
    using on = stage();
    writeFileSync(join(on.project, 'package-lock.json'), '{}');
    await on.cachelane('explain', 'npm', '-n', web);
    const path = join(on.dir, '.npm');
    expect(on.out().split('\n')[0]).toBe(`You get ${web}:npm at ${path}, because of package-lock.json.`);
    expect(on.out().split('\n').length).toBeLessThan(16);
    expect(on.out()).toContain('More: cachelane explain npm --verbose\n');
  });

  test('a repository’s file does not change the budget of another namespace', async () => {
    expect(await budgetOf('data:/x', '-n', web)).toMatchObject({ value: 1e6 });
    expect(await budgetOf(`${web}:data:/x`)).toMatchObject({ value: null, source: 'default' });
  });

  test('the contents of each link', async () => {
    using on = stage();
    await push(on, { name: 'data', compat: { os: 'linux', arch: 'x64' }, layers: ['a', 'b'] });
    expect(await on.cachelane('explain', '--verbose', `${web}:data:/x`, '--json')).toBe(0);
    expect(json(on)).toMatchObject({
      lowLevelId: expect.stringMatching(/^[0-9a-f]{64}$/),
      path: '/x',
      pathSource: '-v',
      chosenBy: null,
      tool: { name: 'directory' },
      chain: [{ generation: 2, layers: [aLayer('b'), aLayer('a')] satisfies LayerId[], files: 10, sizeBytes: 8192 }],
    });
    using text = stage();
    await text.cachelane('explain', '--verbose', 'data:/x');
    expect(text.out()).toContain('low-level id:  none yet: the namespace gets its id in its first run');
  });
});

describe('explain of settings', () => {
  test("the tool's rules, and that they are untested", async () => {
    using on = stage();
    await on.cachelane('explain', '--verbose', 'bazel:/x');
    expect(on.out()).toMatch(/^saved: +when the command ended by itself, with any exit code \(exit, bazel's rule\)/m);
    expect(on.out()).toMatch(/^sync: +always: [^,]*$/m);
    expect(on.out()).toMatch(/^tried: +NOT with the tool itself/m);
    expect(on.out()).toContain('These rules are untested with bazel itself.');
    using other = stage();
    await other.cachelane('explain', '--verbose', 'npm');
    expect(other.out()).not.toContain('untested');
    using data = stage();
    await data.cachelane('explain', '--verbose', 'data:/x');
    expect(data.out()).not.toMatch(/NOT|untested/);
  });

  test('settings of the file', async () => {
    using on = stage();
    writeFileSync(join(on.project, 'cachelane.yaml'), 'volumes:\n  npm: { commit: success, sync: never }\n');
    await on.cachelane('explain', '--verbose', 'npm');
    expect(on.out()).toMatch(/^saved: +when the exit code is 0 \(success, cachelane\.yaml\); --commit/m);
    expect(on.out()).toMatch(/^sync: +never: .*, says cachelane\.yaml$/m);
    expect(on.out()).toContain('saves its changes to t1:local if the command succeeds');
    using asJson = stage();
    writeFileSync(join(asJson.project, 'cachelane.yaml'), 'volumes:\n  npm: { commit: never, sync: never }\n');
    await asJson.cachelane('explain', '--verbose', 'npm', '--json');
    expect(json(asJson)).toMatchObject({
      commit: 'never',
      sync: 'never',
      why: expect.stringContaining('and saves nothing'),
    });
  });
});

describe('explain of ambiguous names', () => {
  test('a namespace without a slash: names the meaning it took and how to choose the other', async () => {
    using on = stage();
    await push(on, { namespace: 'teams' as Namespace, name: 'npm', layers: ['a'] });
    await on.cachelane('explain', '--verbose', 'teams:npm');
    expect(on.out()).toContain(
      '\nteams:npm means the volume teams with the directory npm; for the volume npm of the namespace teams: -n teams npm\n',
    );
    using other = stage();
    await push(other, { namespace: 'teams' as Namespace, name: 'npm', layers: ['a'] });
    await other.cachelane('explain', '--verbose', '-n', 'teams', 'npm', '--json');
    expect(json(other)).toMatchObject({ namespace: 'teams', volume: 'npm', note: null, chain: [{ generation: 1 }] });
  });

  test.each(['teams:./npm', 'teams:/npm', 'data:npm'])('%s has one', async (text) => {
    using on = stage();
    await push(on, { namespace: 'teams' as Namespace, name: 'npm', layers: ['a'] });
    await on.cachelane('explain', '--verbose', text, '--json');
    expect(json(on)).toMatchObject({ note: null });
  });
});

describe('sharing', () => {
  const remote = { CACHELANE_REMOTE: 'dir:/mnt/cache' };
  const remoteId = '0'.repeat(32) as RemoteId;

  test('nothing, with the reason', async () => {
    using none = stage();
    await none.cachelane('explain', '--verbose', 'npm', '-n', web);
    expect(none.out()).toContain('shared:        no remote is set\n');
    using local = stage({ env: remote });
    await local.cachelane('explain', '--verbose', 'npm');
    expect(local.out()).toMatch(/shared: +no: local\/project-\w+ is a name of this machine only; /);
    using never = stage({ env: remote });
    writeFileSync(join(never.project, 'cachelane.yaml'), 'volumes:\n  data: { path: cache, sync: never }\n');
    await never.cachelane('explain', '--verbose', 'data', '-n', web);
    expect(never.out()).toContain('shared:        no: sync never\n');
  });

  test('the remote, the last sync, and pending layers', async () => {
    using on = stage({ env: remote });
    await push(on, { layers: ['a', 'b'] });
    await on.cachelane('explain', '--verbose', 'npm', '-n', web);
    expect(on.out()).toContain(
      'dir:/mnt/cache, by CACHELANE_REMOTE; push background; never synced, 2 layers to send\n',
    );
    const [head] = await on.metadata.listHeads(noAbort);
    const { volumeId, lane } = head ?? expect.fail('no head');
    const atMs = Date.parse('2026-01-03T00:00:00Z');
    const record = { remote: remoteId, volumeId, lane, layers: [aLayer('a')], expectedRevision: 0, atMs };
    await on.metadata.recordSynced(record, noAbort);
    using json = stage({ env: remote, metadata: on.metadata });
    await json.cachelane('explain', '--verbose', 'npm', '-n', web, '--json');
    expect((JSON.parse(json.out()) as { remote: unknown }).remote).toEqual({
      address: 'dir:/mnt/cache',
      source: 'CACHELANE_REMOTE',
      pushMode: 'background',
      stays: null,
      syncedAt: '2026-01-03T00:00:00.000Z',
      waiting: 1,
      removals: 0,
    });
    const more = { ...record, layers: ['a', 'b', 'c', 'd'].map(aLayer), expectedRevision: 1 };
    await on.metadata.recordSynced(more, noAbort);
    using removing = stage({ env: remote, metadata: on.metadata });
    await removing.cachelane('explain', '--verbose', 'npm', '-n', web);
    expect(removing.out()).toMatch(/; synced .*, 0 layers to send, 2 layers to remove there\n/);
  });
});

describe('tiers', () => {
  const acme = 'github.com/acme' as Namespace;

  test('are listed with their contents and feed rules', async () => {
    using on = stage();
    await push(on, { namespace: acme, layers: ['a', 'b'] });
    await on.cachelane('explain', '--verbose', 'npm', '-n', web);
    expect(on.out()).toMatch(/^TIER +NAMED BY +READ +FED$/m);
    expect(on.out()).toMatch(
      /^github\.com\/acme +the path of the project +2 layers, [\d.]+ kB: merged below nearer contents, path by path +no: it has no feed rule$/m,
    );
    expect(on.out()).toMatch(/^~ +nobody +no: it is not enabled: personal-tier: true in config\.yaml/m);
    expect(on.out()).toContain('A run here starts with t1:local of github.com/acme, and saves');
  });

  test('that are not read are no start of a run', async () => {
    using on = stage();
    const compat = { os: 'linux', arch: 'x64' };
    await push(on, { name: 'data', compat, layers: ['own'] });
    await push(on, { namespace: acme, name: 'data', compat, layers: ['far'] });
    await on.cachelane('explain', '--verbose', 'data:/x', '-n', web, '--json');
    expect(json(on)).toMatchObject({
      tiers: [{ namespace: acme, isRead: false, why: expect.stringContaining('a nearer tier') }, { namespace: '~' }],
      why: expect.stringMatching(/^A run here starts with t1:local, and saves/),
    });
  });

  test.each([
    { title: 'the environment', env: { CACHELANE_PERSONAL_TIER: '1' }, config: '', isRead: true },
    { title: 'the own file', env: {}, config: 'personal-tier: true\n', isRead: true },
    {
      title: 'the environment over the own file',
      env: { CACHELANE_PERSONAL_TIER: '0' },
      config: 'personal-tier: true\n',
      isRead: false,
    },
    { title: 'nobody', env: {}, config: '', isRead: false },
  ])('personal tier is read if $title enables it', async ({ env, config, isRead }) => {
    using on = stage({ env });
    mkdirSync(join(on.dir, '.config/cachelane'), { recursive: true });
    if (config !== '') writeFileSync(join(on.dir, '.config/cachelane/config.yaml'), config, { mode: 0o600 });
    await push(on, { namespace: '~' as Namespace, layers: ['a'] });
    await on.cachelane('explain', '--verbose', 'npm', '-n', 'teams/alone', '--json');
    const { tiers } = json(on) as { readonly tiers: readonly Record<string, unknown>[] };
    expect(tiers.find(({ namespace }) => namespace === '~')).toMatchObject({ isRead });
  });
});

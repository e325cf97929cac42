import {
  CachelaneError,
  newAttempt,
  parseRemoteKey,
  type LayerStore,
  type Namespace,
  type Remote,
  type RemoteId,
  type RunId,
} from '@cachelane/core';
import {
  contentEntry,
  countingIds,
  memoryRemote,
  openMemoryLayers,
  openMemoryMounter,
  openOne,
  openRequest,
  pushLayer,
} from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { mergeRequestOfFork, stage, type Stage } from '../../fixtures/staged-host.fixture.ts';

// trace, blame and revoke without processes.

const web = 'github.com/acme/web' as Namespace;
const { signal } = new AbortController();
const nowMs = 1_795_531_145_000;

interface Staged extends Disposable {
  readonly on: Stage;
  readonly layers: LayerStore;
  /** Saves files as one run, and returns it. */
  push(
    files: Readonly<Record<string, string>>,
    of?: { readonly workflow: string; readonly revision: string },
  ): Promise<RunId>;
}

function withStore(env: Readonly<Record<string, string>> = {}, remote: Remote = memoryRemote()): Staged {
  const layers = openMemoryLayers();
  const mounter = openMemoryMounter();
  const on = stage({
    env: { USER: 'ann', ...env },
    pieces: {
      openLayers: () => Promise.resolve(layers),
      openMounters: () => Promise.resolve({ overlay: mounter, clone: mounter, live: mounter }),
      openLeases: () =>
        Promise.resolve({
          acquire: () => Promise.reject(new Error('none')),
          isHeld: () => Promise.resolve(false),
          sweep: () => Promise.resolve([]),
        }),
      openRemote: () => Promise.resolve(remote),
    },
  });
  const ids = countingIds();
  return {
    on,
    layers,
    push: async (files, { workflow, revision } = { workflow: 'ci.yml', revision: 'c0ffee' }) => {
      const volumes = [{ name: 'data', tool: 'directory', compat: { os: 'linux', arch: 'x64' } }];
      const request = openRequest(ids, { namespace: web, volumes, atMs: nowMs });
      const { volumeId, run } = await openOne(on.metadata, { ...request, run: { ...request.run, workflow, revision } });
      const entries = Object.entries(files).map(([path, content]) => {
        const made = contentEntry(path, content);
        return { ...made, entry: { ...made.entry, mergeClass: 'D', origins: [run] } } as const;
      });
      const staged = await layers.stage({ changes: null, entries, sealedAtMs: nowMs }, signal);
      await layers.publish(staged, signal);
      await pushLayer(on.metadata, { volumeId, layer: staged.id, run, atMs: nowMs });
      return run;
    },
    [Symbol.dispose]: () => on[Symbol.dispose](),
  };
}

const json = (on: Stage): unknown => JSON.parse(on.out());
const at = new Date(nowMs).toISOString();

describe('trace', () => {
  test('lists entries and readers', async () => {
    using staged = withStore();
    const first = await staged.push({ a: '1' });
    const second = await staged.push({ b: '1' });
    expect(await staged.on.cachelane('trace', first)).toBe(0);
    const layer = (await staged.layers.list(signal))[0]?.id.slice(0, 12);
    expect(staged.on.out()).toBe(
      [
        `${first.slice(0, 12)} t1:local 2026-11-24 14:39:05Z c0ffee ci.yml`,
        '',
        `${web}:data (arch=x64 os=linux) in lane t1:local: 1 entry`,
        'LAYER           PATH',
        `${layer}    a`,
        '',
        '1 run read some of it:',
        `  ${second.slice(0, 12)} t1:local 2026-11-24 14:39:05Z c0ffee ci.yml`,
        '',
      ].join('\n'),
    );
  });

  test('as JSON, of a run by the beginning of its id', async () => {
    using staged = withStore();
    const run = await staged.push({ a: '1' });
    await staged.on.cachelane('trace', run.slice('run_'.length), '--json');
    expect(json(staged.on)).toMatchObject({
      run,
      lane: 't1:local',
      revision: 'c0ffee',
      workflow: 'ci.yml',
      startedAt: at,
      revoked: null,
      heads: [
        {
          namespace: web,
          volume: 'data',
          lane: 't1:local',
          layers: [{ replaced: false, entries: [{ path: 'a', runs: [run] }] }],
        },
      ],
      readers: [],
    });
  });

  test.each([
    ['run_12', 2, 'is not a run id'],
    ['npm', 2, 'is not a run id'],
    ['run_fffffff', 1, 'there is no run'],
    ['run_000000000', 1, 'several runs begin with'],
    [`run_${'f'.repeat(32)}`, 1, 'is unknown here'],
  ])('%s: is refused with the reason', async (text, code, problem) => {
    using staged = withStore();
    for (const name of ['a', 'b']) await staged.push({ [name]: '1' });
    expect(await staged.on.cachelane('trace', text)).toBe(code);
    expect(staged.on.err()).toContain(problem);
    expect(staged.on.out()).toBe('');
  });
});

describe('blame', () => {
  const data = `${web}:data:/data`;

  test('names the run of the visible version; with --all also of hidden ones', async () => {
    using staged = withStore();
    const first = await staged.push({ a: '1' }, { revision: 'aaaa', workflow: 'one' });
    const second = await staged.push({ a: '2' }, { revision: 'bbbb', workflow: 'two' });
    expect(await staged.on.cachelane('blame', data, 'a', '--json')).toBe(0);
    expect(json(staged.on)).toMatchObject([
      { state: 'seen', path: 'a', lane: 't1:local', runs: [{ run: second, revision: 'bbbb', workflow: 'two', at }] },
    ]);
    using again = withStore();
    await again.push({ a: '1' }, { revision: 'aaaa', workflow: 'one' });
    await again.push({ a: '2' }, { revision: 'bbbb', workflow: 'two' });
    await again.on.cachelane('blame', data, '/data/a', '--all');
    const rows = again.on
      .out()
      .split('\n')
      .map((line) => line.split(/ {2,}/).slice(0, 6));
    expect(rows).toEqual([
      ['STATE', 'LANE', 'RUN', 'STARTED', 'REVISION', 'WORKFLOW'],
      ['seen', 't1:local', second.slice(0, 12), '2026-11-24 14:39:05Z', 'bbbb', 'two'],
      ['hidden', 't1:local', first.slice(0, 12), '2026-11-24 14:39:05Z', 'aaaa', 'one'],
      [''],
    ]);
  });

  test('a stored directory needs no path of its own', async () => {
    using staged = withStore();
    const first = await staged.push({ a: '1' });
    expect(await staged.on.cachelane('blame', `${web}:data`, 'a', '--json')).toBe(0);
    expect(json(staged.on)).toMatchObject([{ state: 'seen', path: 'a', runs: [{ run: first }] }]);
    expect(await staged.on.cachelane('blame', `${web}:data`, '/volume/a')).toBe(2);
  });

  test.each([
    ['b', 1, 'finds no b'],
    ['../a', 2, 'is not a path in the volume'],
    ['/etc/passwd', 2, 'is not a path in the volume'],
    ['', 2, 'is not a path in the volume'],
  ])('%s: is refused with the reason', async (path, code, problem) => {
    using staged = withStore();
    await staged.push({ a: '1' });
    expect(await staged.on.cachelane('blame', data, path)).toBe(code);
    expect(staged.on.err()).toContain(problem);
    using again = withStore();
    await again.push({ a: '1' });
    expect(await again.on.cachelane('blame', data, path, '--json')).toBe(code);
  });
});

describe('revoke', () => {
  test('a dry run lists what would be revoked and changes nothing', async () => {
    using staged = withStore();
    const first = await staged.push({ a: '1' });
    const second = await staged.push({ b: '1' });
    expect(await staged.on.cachelane('revoke', '--run', first, '--cascade', '--dry-run', '--json')).toBe(0);
    expect(json(staged.on)).toMatchObject({
      dryRun: true,
      runs: [{ run: first }, { run: second }],
      readers: [],
      heads: [{ namespace: web, volume: 'data', lane: 't1:local' }],
      inRemote: [],
    });
    expect(await staged.on.metadata.revokedRuns('all', signal)).toEqual([]);
    expect((await staged.on.metadata.listHeads(signal))[0]?.layers).toHaveLength(2);
  });

  test('removes the run, and log and explain mark it', async () => {
    using staged = withStore();
    const first = await staged.push({ a: '1' });
    const second = await staged.push({ b: '1' });
    expect(await staged.on.cachelane('revoke', '--run', first)).toBe(0);
    expect(staged.on.out()).toBe(
      [
        `revoked ${first.slice(0, 12)} t1:local 2026-11-24 14:39:05Z c0ffee ci.yml`,
        `  ${web}:data (arch=x64 os=linux) in lane t1:local`,
        '1 run read some of it:',
        `  ${second.slice(0, 12)} t1:local 2026-11-24 14:39:05Z c0ffee ci.yml`,
        '',
      ].join('\n'),
    );
    expect(await staged.on.metadata.revokedRuns('all', signal)).toEqual([
      { run: first, atMs: nowMs, by: 'ann', namespaceId: null },
    ]);
    expect((await staged.on.metadata.listHeads(signal))[0]?.layers).toHaveLength(1);
    await staged.on.cachelane('log', `${web}:data`);
    expect(staged.on.out()).toContain(`${first.slice(0, 12)} revoked`);
    await staged.on.cachelane('explain', '--verbose', `${web}:data:/data`);
    expect(staged.on.out()).toMatch(new RegExp(`revoked: +${first.slice(0, 12)}, 2026-11-24 14:39:05Z by ann`));
  });

  test('gives a hint if the remote is not used or not reachable', async () => {
    using staged = withStore();
    const run = await staged.push({ a: '1' });
    const { metadata } = staged.on;
    const [head] = await metadata.listHeads(signal);
    if (head === undefined) return expect.fail('nothing was saved');
    const { volumeId, lane, layers } = head;
    const remote = 'a'.repeat(32) as RemoteId;
    await metadata.recordSynced({ remote, volumeId, lane, layers, expectedRevision: 0, atMs: nowMs }, signal);
    await staged.on.cachelane('revoke', '--run', run, '--dry-run');
    expect(staged.on.out()).not.toContain('cachelane push');
    await staged.on.cachelane('revoke', '--run', run);
    expect(staged.on.out()).toMatch(/^Other machines still have it .*cachelane push$/m);
    const gone = new CachelaneError('E_REMOTE_GONE', 'it cannot be reached');
    const lost = { ...memoryRemote(), heads: { ...memoryRemote().heads, list: () => Promise.reject(gone) } };
    using other = withStore({ CACHELANE_REMOTE: 'dir:/shared' }, lost);
    expect(await other.on.cachelane('revoke', '--run', await other.push({ a: '1' }))).toBe(1);
    expect(other.on.err()).toContain('use --no-remote to revoke it in this store');
    return undefined;
  });

  test('warns about unreadable remote heads with a hint', async () => {
    const remote = memoryRemote();
    using staged = withStore({ CACHELANE_REMOTE: 'dir:/shared' }, remote);
    const run = await staged.push({ a: '1' });
    const bytes = new TextEncoder().encode('?');
    await remote.heads.swap(
      { key: parseRemoteKey('heads/damaged'), bytes, expected: null, attempt: newAttempt(new Uint8Array(16)) },
      signal,
    );
    expect(await staged.on.cachelane('revoke', '--run', run)).toBe(0);
    expect(staged.on.err()).toMatch(/^cachelane: warning: the head heads\/damaged in .* cannot be read, .*--repair/m);
  });

  test('records who did it', async () => {
    using staged = withStore();
    const run = await staged.push({ a: '1' });
    await staged.on.cachelane('revoke', '--run', run, '--by', 'the security team');
    expect(await staged.on.metadata.revokedRuns('all', signal)).toMatchObject([{ by: 'the security team' }]);
  });

  test('escapes foreign texts', async () => {
    using staged = withStore();
    const run = await staged.push({ a: '1' }, { revision: 'c0ffee', workflow: '\u001B[2Jci\u202E' });
    await staged.push({ b: '1' });
    const texts: string[] = [];
    for (const args of [
      ['trace', run],
      ['blame', `${web}:data:/data`, 'a'],
      ['revoke', '--run', run, '--by', 'ann\n\u009B2J'],
      ['trace', run],
      ['explain', `${web}:data:/data`],
      ['log', `${web}:data`],
    ]) {
      expect(await staged.on.cachelane(...args)).toBe(0);
      texts.push(staged.on.out());
    }
    // oxlint-disable-next-line no-control-regex -- what must not reach a terminal
    for (const text of texts) expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
    expect(texts.join('')).toContain('by ann\\u000a\\u009b2J');
  });

  test('needs a known run', async () => {
    using staged = withStore();
    await staged.push({ a: '1' });
    expect(await staged.on.cachelane('revoke')).toBe(2);
    expect(await staged.on.cachelane('revoke', '--run', `run_${'f'.repeat(32)}`, '--by', ' ')).toBe(2);
    expect(await staged.on.cachelane('revoke', '--run', `run_${'f'.repeat(32)}`)).toBe(1);
    expect(staged.on.err()).toContain('neither this store nor the remote');
    expect(await staged.on.metadata.revokedRuns('all', signal)).toEqual([]);
  });

  test('is refused if a run may not save', async () => {
    using staged = withStore(mergeRequestOfFork);
    const run = await staged.push({ a: '1' });
    expect(await staged.on.cachelane('revoke', '--run', run)).not.toBe(0);
    expect(await staged.on.metadata.revokedRuns('all', signal)).toEqual([]);
  });
});

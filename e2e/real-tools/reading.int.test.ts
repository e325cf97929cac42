import { lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lowLevelId, type LowLevelIdInputs } from '@cachelane/core';
import { requireCommands } from '@cachelane/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openWorld, type FinishedRun, type World } from '../cli.fixture.ts';
import { treeOf } from './tree.fixture.ts';

// What the reading commands show of three runs: text for people, and exactly the documented JSON keys for programs.

const namespace = 'github.com/acme/web';
const volume = 'data:cache';
const isoTime = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string;
const runId = expect.stringMatching(/^run_[0-9a-f]{32}$/) as string;

let world: World;
let project: string;
let runs: readonly FinishedRun[];
let layers: readonly string[];

function openProject(): void {
  world = openWorld();
  project = world.project('web', { 'package.json': '{}' });
  world.gitInit(project, 'https://github.com/acme/web.git');
}

async function run(script: string, ...options: readonly string[]): Promise<FinishedRun> {
  const finished = await world.run(['sh', '-ec', script], { cwd: project, options: ['-v', volume, ...options] });
  expect(finished).toMatchObject({ code: 0 });
  return finished;
}

async function makeHistory(): Promise<void> {
  openProject();
  runs = [
    await run('printf 1234 > cache/a; printf 12 > cache/b'),
    await run('printf 12345 > cache/a; rm cache/b; printf 1 > cache/c'),
    await run('printf 123456 > cache/d'),
  ];
  layers = runs.map((finished) => String(finished.volume('data').layer));
}

async function text(...argv: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await world.cachelane(argv, { cwd: project });
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
}

async function json(...argv: readonly string[]): Promise<unknown> {
  return await world.json(argv, { cwd: project });
}

/** Returns every file of the store except the database's own, whose changes show in `ls` and `log`. */
function storeTree(): readonly string[] {
  return ['layers', 'derived', 'sessions', 'staging'].flatMap((dir) => treeOf(join(world.store, dir)));
}

requireCommands('bwrap', 'git')('saved volumes can be read', () => {
  beforeAll(makeHistory);
  afterAll(() => world[Symbol.dispose]());

  test('run --report: the documented keys in order', () => {
    const [, second] = runs;
    expect(second?.report).toEqual({
      namespace,
      lane: 't1:local',
      trust: 'T1',
      exitCode: 0,
      volumes: [
        {
          name: 'data',
          namespace,
          path: join(project, 'cache'),
          mounter: 'overlay',
          mounterWhy: 'volumes can be mounted here',
          sharing: 'PRIVATE',
          hits: [{ namespace, lane: 't1:local', layers: 1 }],
          seed: null,
          evicted: null,
          cameBack: null,
          shrunk: null,
          restoredBytes: 6,
          attachMs: expect.any(Number) as number,
          saveMs: expect.any(Number) as number,
          added: 1,
          changed: 1,
          removed: 1,
          savedBytes: 6,
          layer: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
          merged: 0,
          fed: [],
          conflicts: [],
          skipped: null,
          provider: null,
          warnings: [],
          leftToOthers: false,
          sync: null,
        },
      ],
    });
    const keys =
      'name namespace path mounter mounterWhy sharing hits seed evicted cameBack shrunk restoredBytes attachMs saveMs added changed removed savedBytes layer merged fed conflicts skipped provider warnings leftToOthers sync';
    expect(Object.keys(second?.volume('data') ?? {}).join(' ')).toBe(keys);
  });

  test('run: prints nothing before the command, and one line per volume after it', () => {
    expect(runs[2]?.stderr).toMatch(/^cachelane: data restored \d+ B, saved 6 B \(.*, local\)\n$/);
    expect(runs[2]?.stderr).toContain(namespace);
  });

  test('log --json: newest first', async () => {
    const [third, second, first] = layers.toReversed();
    const move = { layersCame: [expect.objectContaining({ run: runId })], layersLeft: 0, purpose: 'run' };
    const run = { ...move, run: runId, lane: 't1:local', at: isoTime, revoked: null };
    expect(await json('log', 'data')).toEqual([
      { generation: 3, layer: third, ...run, added: 1, changed: 0, removed: 0, bytes: 6 },
      { generation: 2, layer: second, ...run, added: 1, changed: 1, removed: 1, bytes: 6 },
      { generation: 1, layer: first, ...run, added: 2, changed: 0, removed: 0, bytes: 6 },
    ]);
    const [newest] = (await json('log', 'data')) as readonly object[];
    expect(Object.keys(newest ?? {})).toEqual([
      'generation',
      'layer',
      'layersCame',
      'layersLeft',
      'run',
      'purpose',
      'revoked',
      'lane',
      'at',
      'added',
      'changed',
      'removed',
      'bytes',
    ]);
    expect(await json('log', `${namespace}:data`, '-C', '/', '--lane', 't1:local')).toHaveLength(3);
    expect(await json('log', 'data', '--lane', 't1:ref:main')).toEqual([]);
  });

  test('log: a table, newest first', async () => {
    const [title, ...rows] = (await text('log', 'data')).trimEnd().split('\n');
    expect(title?.split(/\s{2,}/).map((word) => word.trim())).toEqual([
      'GEN',
      'LANE',
      'AT',
      'LAYER',
      'RUN',
      'ADDED',
      'CHANGED',
      'REMOVED',
      'SIZE',
    ]);
    expect(rows.map((row) => row.trim().split(/\s{2,}/)[0])).toEqual(['3', '2', '1']);
    for (const [index, row] of rows.entries()) expect(row).toContain(layers.at(-1 - index)?.slice(0, 12));
  });

  test('ls --json', async () => {
    const compat = { os: 'linux', arch: process.arch };
    const expected = [
      {
        namespace,
        volume: 'data',
        compat,
        lane: 't1:local',
        generation: 3,
        layers: 3,
        files: expect.any(Number) as number,
        sizeBytes: 18,
        updatedAt: isoTime,
        lastRun: runId,
      },
    ];
    expect(await json('ls')).toEqual(expected);
    expect(await json('ls', '--here')).toEqual(expected);
    expect(await json('ls', '-n', namespace, '-C', '/')).toEqual(expected);
    expect(await json('ls', '-n', 'github.com/acme/api')).toEqual([]);
    const [head] = (await json('ls')) as readonly object[];
    expect(Object.keys(head ?? {}).join(' ')).toBe(
      'namespace volume compat lane generation layers files sizeBytes updatedAt lastRun',
    );
  });

  test('ls: a table with one line per lane', async () => {
    await run('echo x > cache/pr', '--mode=read');
    const [title, ...rows] = (await text('ls')).trimEnd().split('\n');
    expect(title).toMatch(/^NAMESPACE +VOLUME +COMPAT +LANE +GEN +LAYERS +FILES +SIZE +UPDATED +LAST RUN$/);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatch(/^github\.com\/acme\/web +data +arch=\S+ os=linux +t1:local +3 +3 +\d+ +18 B /);
  });

  test('context --json', async () => {
    const chain = [namespace, 'github.com/acme'].map((name) => ({ namespace: name, lane: 't1:local' }));
    const shown = await json('context');
    expect(shown).toEqual({
      endpoint: 'local',
      namespace,
      lane: 't1:local',
      trust: 'T1',
      readChain: chain,
      canWrite: true,
      why: 'this is no CI job, so it uses the lane of this machine, which all branches share',
      inputs: [
        { name: 'namespace', value: namespace, source: 'remote origin in .git/config' },
        { name: 'remote', value: 'https://github.com/acme/web.git', source: 'remote origin in .git/config' },
        { name: 'project', value: project, source: 'package.json' },
        { name: 'lane', value: 't1:local', source: 'no variable names a CI system' },
      ],
      remote: { address: null, source: 'no remote is set' },
      push: { mode: 'never', source: 'there is no remote' },
    });
    expect(Object.keys(shown as object).join(' ')).toBe(
      'endpoint namespace lane trust canWrite why readChain inputs remote push',
    );
  });

  test('context: the reasons and their sources', async () => {
    const shown = await text('context');
    for (const line of [/^namespace: +github\.com\/acme\/web$/m, /^may save: +yes: /m, /^INPUT +VALUE +SOURCE$/m]) {
      expect(shown).toMatch(line);
    }
    expect(await text('context', '-n', 'teams/web')).toMatch(/^namespace +teams\/web +--namespace$/m);
    const { stdout } = await world.cachelane(['context'], {
      cwd: project,
      env: { CACHELANE_NAMESPACE: 'a/b' },
    });
    expect(stdout).toMatch(/^namespace +a\/b +CACHELANE_NAMESPACE$/m);
  });

  test('inspect a volume, and a layer by a prefix of its id', async () => {
    const [first = '', second = '', third = ''] = layers;
    expect(await json('inspect', 'data')).toMatchObject({
      namespace,
      volume: 'data',
      heads: [{ lane: 't1:local', generation: 3, layers: [{ layer: third }, { layer: second }, { layer: first }] }],
    });
    for (const layer of layers) expect(await text('inspect', 'data')).toContain(layer.slice(0, 12));
    const shown = await json('inspect', second.slice(0, 12));
    expect(shown).toMatchObject({ layer: second, namespace, volume: 'data', lane: 't1:local', added: 1, changed: 1 });
    const { entries } = shown as { readonly entries: readonly { readonly path: string; readonly removed: unknown }[] };
    expect(entries.map(({ path, removed }) => [path, removed])).toEqual([
      ['a', null],
      ['b', 'counted'],
      ['c', null],
    ]);
    expect(await text('inspect', second)).toMatch(/removed \(counted\).* b$/m);
    const unknown = await world.cachelane(['inspect', 'ffffffffffff'], { cwd: project });
    expect([unknown.code, unknown.stdout]).toEqual([1, '']);
  });

  test('explain: a verifiable id, and what a run here would find', async () => {
    const explained = await json('explain', volume);
    expect(explained).toMatchObject({
      namespace,
      volume: 'data',
      lane: 't1:local',
      path: join(project, 'cache'),
      tool: { name: 'directory' },
      chain: [{ namespace, lane: 't1:local', generation: 3, layers: layers.toReversed() }, {}],
    });
    const { inputs, lowLevelId: id } = explained as { readonly inputs: LowLevelIdInputs; readonly lowLevelId: string };
    expect(lowLevelId(inputs)).toBe(id);
    const words = await text('explain', '--verbose', volume);
    expect(words).toContain(id);
    expect(words).toContain('A run here starts with t1:local');
    expect(await text('explain', 'npm')).toContain('A run here starts cold');
  });

  test('an unknown volume is an error with the nearest name', async () => {
    for (const command of ['log', 'inspect', 'rm']) {
      const { code, stdout, stderr } = await world.cachelane([command, 'dat'], { cwd: project });
      expect([command, code, stdout]).toEqual([command, 1, '']);
      expect(stderr).toContain('did you mean data?');
    }
  });

  test('reading changes nothing', async () => {
    const before = storeTree();
    const heads = await json('ls');
    for (const argv of [['ls'], ['log', 'data'], ['inspect', 'data'], ['explain', '--verbose', volume], ['context']]) {
      await text(...argv);
    }
    for (const argv of [
      ['gc', '--dry-run'],
      ['rm', 'data', '--dry-run'],
      ['rm', 'data', '--all-lanes', '--dry-run'],
    ]) {
      await text(...argv);
      expect(await json(...argv)).toMatchObject({ dryRun: true });
    }
    expect(await json('ls')).toEqual(heads);
    expect(await json('log', 'data')).toHaveLength(3);
    expect(storeTree()).toEqual(before);
  });
});

requireCommands('bwrap', 'git')('saved volumes can be removed', () => {
  beforeEach(async () => {
    await makeHistory();
    return () => world[Symbol.dispose]();
  });

  test('rm lists what it removes, and the next run starts cold', async () => {
    const wouldGo = {
      volume: `${namespace}:data`,
      removed: [{ lane: 't1:local', generation: 3, layers: 3, sizeBytes: 18 }],
    };
    expect(await text('rm', 'data', '--dry-run')).toMatch(
      /^would remove .* in lane t1:local: generation 3, 3 layers, 18 B$/m,
    );
    expect((await run('ls cache')).stdout).toBe('a\nc\nd\n');
    expect(await json('rm', 'data')).toMatchObject({ dryRun: false, ...wouldGo });
    expect(await json('ls')).toEqual([]);
    const cold = await run('ls cache');
    expect(cold.stdout).toBe('');
    expect(cold.volume('data').hits).toEqual([]);
  });

  test('rm removes one lane, or all of them', async () => {
    world.env['GITHUB_ACTIONS'] = 'true';
    Object.assign(world.env, { GITHUB_EVENT_NAME: 'push', GITHUB_REF: 'refs/heads/main' });
    await run('echo main > cache/main');
    expect(await json('ls')).toMatchObject([{ lane: 't1:local' }, { lane: 't1:ref:main' }]);
    await text('rm', 'data', '--lane', 't1:local');
    expect(await json('ls')).toMatchObject([{ lane: 't1:ref:main' }]);
    await run('echo x > cache/x');
    await text('rm', 'data', '--all-lanes');
    expect(await json('ls')).toEqual([]);
    expect(await json('ns', 'ls')).toEqual([]);
  });

  test('gc deletes removed layers once they are old enough, and a dry run lists them and deletes nothing', async () => {
    await run('printf 1234567 > cache/other', '-n', 'github.com/acme/api');
    await text('rm', 'data');
    const later = 'kept 3 unreferenced layers (18 B) younger than ten minutes\n';
    expect(await text('gc')).toBe(`nothing to remove yet; ${later}`);
    expect(await json('gc', '--dry-run')).toMatchObject({ freedBytes: 0, young: { layers: 3, bytes: 18 } });
    expect(await text('du')).toContain(
      'cachelane gc would free: 0 layers (0 B), 0 derived layers; after ten minutes, 3 layers (18 B) more\n',
    );
    expect(await text('du')).toContain('history and open runs: 0 B more\n');
    expect(readdirSync(join(world.store, 'layers'))).toHaveLength(4);

    for (const layer of readdirSync(join(world.store, 'layers'))) age(join(world.store, 'layers', layer, 'layer.json'));
    const garbage = { freedBytes: 18, deadSessions: [], swept: [] };
    const dry = await json('gc', '--dry-run');
    expect(dry).toMatchObject({ dryRun: true, ...garbage });
    expect((dry as { layers: { layer: string }[] }).layers.map(({ layer }) => layer).toSorted()).toEqual(
      layers.toSorted(),
    );
    expect(await text('gc', '--dry-run')).toMatch(/would remove 3 layers \(18 B\)\n$/);
    expect(readdirSync(join(world.store, 'layers'))).toHaveLength(4);
    expect(await json('gc')).toMatchObject({ dryRun: false, ...garbage });
    expect(readdirSync(join(world.store, 'layers'))).toHaveLength(1);
    expect((await run('ls cache', '-n', 'github.com/acme/api')).stdout).toBe('other\n');
    expect(await text('gc', '--dry-run')).toBe('nothing to remove\n');
  });
});

/** Makes the layer an hour older. */
function age(aboutFile: string): void {
  const about = JSON.parse(readFileSync(aboutFile, 'utf8')) as { readonly sealedAtMs: number };
  const mode = lstatSync(aboutFile).mode & 0o777;
  writeFileSync(aboutFile, JSON.stringify({ ...about, sealedAtMs: about.sealedAtMs - 3_600_000 }), { mode });
}

requireCommands('bwrap')('two runs that changed one file of an unknown directory', () => {
  test('keep the later version, and the report names the path', async () => {
    using mine = openWorld();
    const started = [];
    for (const name of ['one', 'two']) {
      const script = `echo ready; read line; echo ${name} > cache/same; echo ${name} > cache/${name}`;
      const begun = mine.startRun(['sh', '-ec', script], { options: ['-v', volume], input: null });
      await begun.said('ready');
      started.push(begun);
    }
    const ended: FinishedRun[] = [];
    for (const { child, finished } of started) {
      child.stdin?.end('go\n');
      ended.push(await finished);
    }
    expect(ended[0]?.volume('data').conflicts).toEqual([]);
    const { conflicts } = ended[1]?.volume('data') ?? {};
    const layer = ended[0]?.volume('data').layer;
    expect(conflicts).toEqual([{ path: 'same', resolution: 'later run kept', layer }]);
    expect(ended[1]?.stderr).toContain(
      `1 conflict: same (later run kept; the other is in layer ${layer?.slice(0, 12)})`,
    );
    const look = await mine.run(['sh', '-ec', 'cd cache; ls; cat same'], { options: ['-v', volume] });
    expect(look.stdout).toBe('one\nsame\ntwo\ntwo\n');
  });
});

describe('help', () => {
  test('lists each command, and each command has its own help', async () => {
    using mine = openWorld();
    const overview = await mine.cachelane(['help']);
    expect(overview).toMatchObject({ code: 0, stderr: '' });
    const commands = [...overview.stdout.matchAll(/^ {2}([a-z]+) {2,}/gm)].map(([, name = '']) => name);
    expect(commands).toEqual(expect.arrayContaining(['run', 'context', 'explain', 'ls', 'log', 'rm', 'gc']));
    for (const command of commands) {
      const { code, stdout } = await mine.cachelane([...command.split(' '), '--help']);
      expect([command, code]).toEqual([command, 0]);
      expect(stdout).toMatch(new RegExp(`^Usage: cachelane ${command} `, 'm'));
    }
  });
});

import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands } from '@cachelane/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openWorld, type FinishedRun, type World } from '../cli.fixture.ts';

// States of a volume from real runs: differences, rollback and disk usage.

const namespace = 'github.com/acme/web';

/** GitLab's variables, the same in every job. */
const pipeline = {
  CI: 'true',
  GITLAB_CI: 'true',
  CI_PROJECT_ID: '7',
  CI_PIPELINE_ID: '8843',
  CI_DEFAULT_BRANCH: 'main',
};

let world: World;
let project: string;

async function run(script: string, ...options: readonly string[]): Promise<FinishedRun> {
  return await world.run(['sh', '-ec', script], { cwd: project, options: ['-v', 'data:cache', ...options] });
}

async function saved(...scripts: readonly string[]): Promise<void> {
  for (const script of scripts) {
    const finished = await run(script);
    expect(finished).toMatchObject({ code: 0 });
    expect(finished.volume('data').layer).not.toBeNull();
  }
}

async function text(...argv: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await world.cachelane(argv, { cwd: project });
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
}

async function json(...argv: readonly string[]): Promise<unknown> {
  return await world.json(argv, { cwd: project });
}

/** Returns the names of layers and derived layers. Their contents never change, except for marks set in the background. */
function storedNames(): readonly string[] {
  return ['layers', 'derived'].flatMap((dir) => readdirSync(join(world.store, dir)).toSorted());
}

/** Returns the contents that a run finds, by file. */
async function seen(): Promise<string> {
  const { stdout, code } = await run(
    'cd cache; for f in $(find . -type f | sort); do echo "$f=$(cat $f)"; done',
    '--mode=read',
  );
  expect(code).toBe(0);
  return stdout.trimEnd().replaceAll('./', '').replaceAll('\n', ' ');
}

requireCommands('bwrap', 'git')('states of a volume', () => {
  beforeEach(() => {
    world = openWorld();
    project = world.project('web', { 'package.json': '{}' });
    world.gitInit(project, `https://${namespace}.git`);
  });
  afterEach(() => world[Symbol.dispose]());

  describe('diff', () => {
    test('shows what a run would find differently, for people and for programs', async () => {
      await saved(
        'printf 1234 > cache/a; mkdir cache/d; printf 12 > cache/d/b; ln -s a cache/l',
        'printf 12345 > cache/a',
        'rm -r cache/d; printf 1 > cache/c',
      );
      const stored = storedNames();
      const summary =
        'data generation 1 of t1:local -> data generation 3 of t1:local: 1 added, 1 changed, 2 removed, the same size';
      expect((await text('diff', 'data@1', 'data')).split('\n')).toEqual([
        'CHANGE   CLASS  TYPE  BEFORE  AFTER  PATH',
        'changed  D      file     4 B    5 B  a',
        'added    D      file       -    1 B  c',
        'removed  D      dir        -      -  d',
        'removed  D      file     2 B      -  d/b',
        '',
        summary,
        '',
      ]);
      expect(await json('diff', 'data', `${namespace}:data@1`)).toMatchObject({
        before: { namespace, volume: 'data', lane: 't1:local', generation: 3 },
        after: { generation: 1 },
        added: 2,
        changed: 1,
        removed: 1,
        bytes: 0,
        paths: [
          { path: 'a', change: 'changed', class: 'D', before: { sizeBytes: 5 }, after: { sizeBytes: 4 } },
          { path: 'c', change: 'removed', after: null },
          { path: 'd', change: 'added', type: 'dir' },
          { path: 'd/b', change: 'added', before: null },
        ],
      });
      const [, second] = (await json('log', 'data')) as readonly { readonly layer: string }[];
      expect(await text('diff', `data@${second?.layer.slice(0, 12)}`, 'data@2')).toMatch(/: no path differs\n$/);
      expect(storedNames()).toEqual(stored);
    });

    test('compares lanes', async () => {
      for (const branch of ['one', 'two']) {
        const finished = await world.run(['sh', '-c', `printf ${branch} > cache/${branch}`], {
          cwd: project,
          options: ['-v', 'data:cache'],
          env: { ...pipeline, CI_PIPELINE_SOURCE: 'push', CI_COMMIT_BRANCH: branch, CI_COMMIT_REF_NAME: branch },
        });
        expect(finished.volume('data').layer).not.toBeNull();
      }
      const lanes = ((await json('ls', '--here')) as readonly { readonly lane: string }[]).map(({ lane }) => lane);
      expect(lanes).toHaveLength(2);
      expect(await json('diff', `data@${lanes[0]}`, `data@${lanes[1]}`)).toMatchObject({
        added: 1,
        removed: 1,
        paths: [
          { path: 'one', change: 'removed' },
          { path: 'two', change: 'added' },
        ],
      });
    });
  });

  describe('rollback', () => {
    test('restores an earlier state for the next run; history keeps both states, and a second rollback undoes it', async () => {
      await saved('echo good > cache/a; echo 1 > cache/b', 'echo bad > cache/a; rm cache/b; echo 2 > cache/c');
      expect(await text('rollback', 'data', '--dry-run')).toBe(
        `would roll ${namespace}:data in lane t1:local back from generation 2 to generation 1: 1 added, 1 changed, 1 removed, 1 B more\n  ~ a\n  + b\n  - c\n`,
      );
      expect(await seen()).toBe('a=bad c=2');
      expect(await text('rollback', 'data')).toContain('to generation 1, as generation 3: 1 added, 1 changed');
      expect(await seen()).toBe('a=good b=1');
      await saved('echo 3 > cache/d');
      expect(await seen()).toBe('a=good b=1 d=3');
      expect(await json('log', 'data')).toMatchObject([
        { generation: 4, added: 1 },
        { generation: 3, layer: null, added: 1, changed: 1, removed: 1 },
        { generation: 2 },
        { generation: 1 },
      ]);
      await text('rollback', 'data', '--to', '2');
      expect(await seen()).toBe('a=bad c=2');
      await text('rollback', 'data');
      expect(await seen()).toBe('a=good b=1 d=3');
    });

    test('keeps the work of a running command on top', async () => {
      await saved('echo 1 > cache/a', 'echo 2 > cache/b');
      const started = world.startRun(['sh', '-ec', 'echo began; read -r go; echo late > cache/late'], {
        cwd: project,
        options: ['-v', 'data:cache'],
        input: null,
      });
      await started.said('began');
      await text('rollback', 'data');
      started.child.stdin?.end('go\n');
      expect(await started.finished).toMatchObject({ code: 0 });
      expect(await seen()).toBe('a=1 late=late');
    });

    test('fails if there is no earlier state, or if its layers are gone', async () => {
      await saved('echo 1 > cache/a');
      const none = await world.cachelane(['rollback', 'data'], { cwd: project });
      expect(none).toMatchObject({ code: 1, stdout: '' });
      expect(none.stderr).toContain('there is no generation before 1 in lane t1:local');
      await saved('echo 2 > cache/a');
      const [, first] = (await json('log', 'data')) as readonly { readonly layer: string }[];
      rmSync(join(world.store, 'layers', String(first?.layer)), { recursive: true });
      const gone = await world.cachelane(['rollback', 'data'], { cwd: project });
      expect(gone.code).toBe(1);
      expect(gone.stderr).toContain('generation 1 cannot be restored: 1 of its 1 layers are gone');
      expect(await json('ls')).toMatchObject([{ generation: 2 }]);
    });

    test("fails for a fork's merge request", async () => {
      await saved('echo 1 > cache/a', 'echo 2 > cache/a');
      const env = {
        ...pipeline,
        CI_PIPELINE_SOURCE: 'merge_request_event',
        CI_MERGE_REQUEST_IID: '12',
        CI_MERGE_REQUEST_SOURCE_BRANCH_NAME: 'main',
        CI_MERGE_REQUEST_TARGET_BRANCH_NAME: 'main',
        CI_MERGE_REQUEST_PROJECT_ID: '7',
        CI_MERGE_REQUEST_SOURCE_PROJECT_ID: '666',
        CI_COMMIT_REF_NAME: 'main',
      };
      const refused = await world.cachelane(['rollback', 'data'], { cwd: project, env });
      expect(refused.code).toBe(2);
      expect(refused.stderr).toMatch(/the lane t0:\S+ may not be written here: /);
      expect(await json('ls')).toMatchObject([{ lane: 't1:local', generation: 2 }]);
    });
  });

  describe('du', () => {
    test('adds up to the size on disk, and lists what gc would free', async () => {
      await saved('head -c 300000 /dev/urandom > cache/a', 'head -c 200000 /dev/urandom > cache/a');
      const blocks = world.exec(['du', '-s', '--block-size=1', world.store]).stdout.split('\t')[0];
      const usage = (await json('du')) as { readonly store: { readonly onDiskBytes: number } };
      expect(usage).toMatchObject({
        heads: [{ namespace, volume: 'data', lane: 't1:local', layers: 2, uniqueBytes: 500_000, sharedBytes: 0 }],
        headBytes: 500_000,
        store: { layers: 2, keptBytes: 0, reclaimable: { layers: 0, bytes: 0 } },
      });
      // The database's log may come and go with each command.
      expect(Math.abs(usage.store.onDiskBytes - Number(blocks))).toBeLessThan(200_000);
      expect(usage.store.onDiskBytes).toBeGreaterThan(500_000);
      await text('rollback', 'data');
      expect(await json('du')).toMatchObject({ headBytes: 300_000, store: { keptBytes: 200_000 } });
      expect(await text('du', 'data')).toMatch(/\n\nvolumes: 300 kB in 1 head\n$/);
    });
  });
});

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { openWorld, worldUsers, type FinishedRun, type World } from '../cli.fixture.ts';
import { moduleProxy, sourceTree } from './module-proxy.fixture.ts';

// Go's module cache: downloads are stored, and extracted modules are not.

const options = ['-v', 'go-mod'];
const nothing = {
  added: 0,
  changed: 0,
  removed: 0,
  savedBytes: 0,
  layer: null,
  merged: 0,
  conflicts: [],
  skipped: null,
};

const one = { path: 'example.com/one', version: 'v1.0.0', files: { 'one.go': 'package one\n\nconst Name = "one"\n' } };
const two = {
  path: 'example.com/two',
  version: 'v1.2.3',
  files: { 'sub/two.go': 'package sub\n\nconst Name = "two"\n' },
};

function app(world: World, ...imports: readonly string[]): string {
  return world.project('app', {
    'go.mod': 'module example.com/app\n\ngo 1.21\n',
    'app.go': `package app\n\nimport (\n${imports.map((path) => `\t_ "${path}"\n`).join('')})\n`,
  });
}

async function go(world: World, project: string, proxy: string, ...args: readonly string[]): Promise<FinishedRun> {
  // The build cache stays where the host's own Go keeps it.
  return await world.run(['go', ...args], { options, cwd: project, env: { GOPROXY: proxy } });
}

interface LayerEntries {
  readonly entries: readonly { readonly path: string; readonly type: string; readonly group: string | null }[];
}

async function filesOf(world: World, run: FinishedRun): Promise<readonly string[]> {
  const { entries } = (await world.json(['inspect', String(run.volume('go-mod').layer)])) as LayerEntries;
  return entries.filter(({ type }) => type === 'file').map(({ path }) => path);
}

requireCommands(
  'bwrap',
  'git',
  'go',
)('modules from a proxy', () => {
  describe.each(worldUsers)('as %s', (user) => {
    test('are downloaded once: the next run needs no proxy and changes nothing', async () => {
      using world = openWorld({ user });
      const proxy = moduleProxy(world, [one, two]);
      const project = app(world, 'example.com/one', 'example.com/two/sub');
      const cold = await go(world, project, proxy, 'mod', 'tidy');
      expect(cold).toMatchObject({ code: 0 });
      expect(cold.volume('go-mod')).toMatchObject({ path: join(world.home, 'go/pkg/mod'), hits: [], skipped: null });

      const warm = await go(world, project, 'off', 'build', './...');
      expect(warm).toMatchObject({ code: 0 });
      expect(warm.volume('go-mod')).toMatchObject({ hits: [{ layers: 1 }], ...nothing });
      expect(await go(world, project, 'off', 'mod', 'verify')).toMatchObject({ stdout: 'all modules verified\n' });
      expect(existsSync(join(world.home, 'go'))).toBe(false);
    });

    test('are stored as downloads only, and read-only extracted files are no problem', async () => {
      using world = openWorld({ user });
      const proxy = moduleProxy(world, [one]);
      const project = app(world, 'example.com/one');
      const script = 'go mod tidy && find ~/go/pkg/mod/example.com ! -perm /222 -printf "%P\\n" | sort';
      const cold = await world.run(['sh', '-ec', script], { options, cwd: project, env: { GOPROXY: proxy } });
      expect(cold).toMatchObject({ code: 0, stdout: '\none@v1.0.0\none@v1.0.0/go.mod\none@v1.0.0/one.go\n'.slice(1) });
      const files = await filesOf(world, cold);
      expect(files).toContain('cache/download/example.com/one/@v/v1.0.0.zip');
      expect(files.filter((path) => !/^cache\/(download|vcs)\//.test(path))).toEqual([]);
      expect(files.filter((path) => /lock|partial|tmp/.test(path))).toEqual([]);

      // No extracted file is left in the view or on the host.
      const look = await world.run(['ls', '-A', join(world.home, 'go/pkg/mod')], { options, cwd: project });
      expect(look).toMatchObject({ code: 0, stdout: 'cache\n' });
      const sessions = world.exec(['find', join(world.store, 'sessions'), '-mindepth', '1', '-type', 'd']);
      expect(sessions.stdout).toBe('');
    });

    test('are merged, with a module’s list of versions, when three runs download at once', async () => {
      using world = openWorld({ user });
      const newer = { ...one, version: 'v1.1.0' };
      const proxy = moduleProxy(world, [one, newer, two]);
      const project = app(world);
      const started = [];
      for (const module of ['example.com/one@v1.0.0', 'example.com/one@v1.1.0', 'example.com/two@v1.2.3']) {
        const script = `echo ready; read line; go mod download ${module} && go list -m -versions example.com/one`;
        const env = { GOPROXY: proxy, GOFLAGS: '-mod=mod' };
        const run = world.startRun(['sh', '-ec', script], { options, cwd: project, env, input: null });
        await run.said('ready');
        started.push(run);
      }
      for (const { child } of started) child.stdin?.end('go\n');
      for (const { finished } of started) expect(await finished).toMatchObject({ code: 0 });
      for (const module of ['example.com/one@v1.0.0', 'example.com/one@v1.1.0', 'example.com/two@v1.2.3']) {
        expect(await go(world, project, 'off', 'mod', 'download', module)).toMatchObject({ code: 0 });
      }
      // A download cache can serve as a proxy, which reads the list of versions.
      const script = 'GOPROXY=file://$HOME/go/pkg/mod/cache/download go list -m -versions example.com/one';
      const list = await world.run(['sh', '-ec', script], { options, cwd: project, env: { GOFLAGS: '-mod=mod' } });
      expect(list.stdout).toBe('example.com/one v1.0.0 v1.1.0\n');
    });
  });

  test('that git fetched are stored as complete repositories', async () => {
    using world = openWorld();
    const remote = sourceTree(world, 'dep', { 'go.mod': 'module example.com/dep.git\n', 'dep.go': 'package dep\n' });
    world.write({ gitconfig: `[url "file://${remote}"]\n\tinsteadOf = https://example.com/dep\n` });
    const project = app(world, 'example.com/dep.git');
    const env = {
      GOPROXY: 'direct',
      GIT_CONFIG_GLOBAL: join(world.dir, 'gitconfig'),
      GIT_ALLOW_PROTOCOL: 'file:https',
      GOFLAGS: '-mod=mod',
    };
    const cold = await world.run(['go', 'mod', 'tidy'], { options, cwd: project, env });
    expect(cold.stderr).toContain('found example.com/dep.git');
    expect(cold).toMatchObject({ code: 0 });
    const files = await filesOf(world, cold);
    expect(files.some((path) => /^cache\/vcs\/[0-9a-f]{64}\/HEAD$/.test(path))).toBe(true);
    expect(files.filter((path) => !/^cache\/(download|vcs)\//.test(path))).toEqual([]);
    expect(files.filter((path) => path.endsWith('.lock'))).toEqual([]);

    world.exec(['rm', '-r', remote]);
    const script =
      'for clone in ~/go/pkg/mod/cache/vcs/*/; do git --git-dir="$clone" fsck --strict; done; go mod download';
    const warm = await world.run(['sh', '-ec', script], { options, cwd: project, env: { ...env, GOPROXY: 'off' } });
    expect(warm).toMatchObject({ code: 0 });
  });
});

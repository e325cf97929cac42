import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { requireCommands, startLocalRegistry } from '@cachelane/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openWorld, type FinishedRun, type World } from '../cli.fixture.ts';
import { atOnce } from './at-once.fixture.ts';
import { compiled, goModule, goProject, seedGoBuild } from './go-project.fixture.ts';

// Two concurrent runs write different contents to the same file of a cache. The tool finds both.

interface Shown {
  readonly entries: readonly { readonly path: string; readonly type: string; readonly removed: string | null }[];
}

/** Returns the paths that both runs saved in different versions. */
async function savedByBoth(world: World, runs: readonly FinishedRun[], volume: string): Promise<readonly string[]> {
  const saved = [];
  for (const run of runs) {
    expect(run).toMatchObject({ code: 0 });
    expect(run.volume(volume)).toMatchObject({ conflicts: [], skipped: null });
    const { entries } = (await world.json(['inspect', String(run.volume(volume).layer)])) as Shown;
    saved.push(new Set(entries.filter(({ type }) => type === 'file').map(({ path }) => path)));
  }
  const [first = new Set<string>(), second = new Set<string>()] = saved;
  return [...first].filter((path) => second.has(path));
}

requireCommands('bwrap', 'npm')('a bucket of the index of npm', () => {
  test('has the lines of a run that requested full metadata, and of one that requested install metadata', async () => {
    await using registry = await startLocalRegistry([{ name: 'left', version: '1.0.0' }], { maxAgeSeconds: 3600 });
    using world = openWorld({ env: { npm_config_registry: registry.url } });
    const cwd = world.project('app', { 'package.json': '{"name":"app","version":"1.0.0"}' });
    const options = ['-v', 'npm'];
    const view = ['npm', 'view', 'left', 'version'];
    const dryRun = ['npm', 'install', '--dry-run', '--no-package-lock', 'left'];
    const runs = await atOnce(world, [
      { cwd, argv: view, options },
      { cwd, argv: dryRun, options },
    ]);
    const both = await savedByBoth(world, runs, 'npm');
    expect(both.filter((path) => path.startsWith('_cacache/index-v5/'))).toHaveLength(1);
    expect(Math.max(...runs.map((run) => run.volume('npm').merged))).toBe(1);

    registry.clearRequests();
    for (const argv of [view, dryRun]) {
      expect(await world.run([...argv, '--offline'], { cwd, options })).toMatchObject({ code: 0 });
    }
    expect(registry.requests).toEqual([]);
  });
});

requireCommands(
  'bwrap',
  'flock',
  'go',
)('an entry of an action of Go', () => {
  test('that two runs make at different times is no conflict, and nothing is compiled again', async () => {
    using world = openWorld();
    const options = ['-v', 'go-build'];
    const project = goProject(world, 'app', goModule('app', ['shared', 'left', 'right']));
    await seedGoBuild(world, project);
    const runs = await atOnce(
      world,
      ['left', 'right'].map((name) => ({
        cwd: project,
        argv: ['sh', '-ec', `go build -x ./shared ./${name} 2>&1`],
        options,
      })),
    );
    for (const [index, name] of ['left', 'right'].entries()) {
      expect(compiled(runs[index]?.stdout ?? '')).toEqual(
        [`example.com/app/${name}`, 'example.com/app/shared'].toSorted(),
      );
    }
    const both = await savedByBoth(world, runs, 'go-build');
    expect(both.filter((path) => path.endsWith('-a')).length).toBeGreaterThan(0);
    const warm = await world.run(['go', 'build', '-x', './...'], { cwd: project, options });
    expect(compiled(warm.stderr)).toEqual([]);
    expect(warm.volume('go-build')).toMatchObject({ layer: null, skipped: null });
  });
});

function results(stdout: string): readonly string[] {
  return stdout.split('\n').filter((line) => /^(?:direct_cache_hit|preprocessed_cache_hit|cache_miss)$/.test(line));
}

requireCommands(
  'bwrap',
  'ccache',
  'gcc',
)('a manifest of ccache', () => {
  test('of one source compiled with two headers serves both, one through the preprocessor', async () => {
    using world = openWorld();
    const options = ['-v', 'ccache'];
    const script =
      'ccache gcc -c app.c -o "$TMPDIR/$(basename "$PWD").o"; cat "$CCACHE_STATSLOG"; rm "$CCACHE_STATSLOG"';
    const clones = ['left', 'right'].map((name, index) => {
      const files = { 'app.c': '#include "app.h"\nint app(void) { return N; }\n', 'app.h': `#define N ${index}\n` };
      const cwd = world.project(name, files);
      world.exec(['sh', '-c', 'touch -d "1 hour ago" -- *'], { cwd });
      world.gitInit(cwd, 'https://github.com/acme/app.git');
      const log = join(world.dir, 'tmp', `log-${name}`);
      return { cwd, argv: ['sh', '-ec', `export CCACHE_STATSLOG=${log}\n${script}`], options };
    });
    const runs = await atOnce(world, clones);
    for (const run of runs) expect(results(run.stdout)).toEqual(['cache_miss']);
    expect(await savedByBoth(world, runs, 'ccache')).toContainEqual(expect.stringMatching(/M$/));

    const found = [];
    for (const { cwd, argv } of clones) {
      const run = await world.run(argv, { cwd, options: [...options, '--mode=read'] });
      found.push(...results(run.stdout));
    }
    expect(found.toSorted()).toEqual(['direct_cache_hit', 'preprocessed_cache_hit']);
  });
});

const model = (artifact: string, more = ''): string =>
  `<project><modelVersion>4.0.0</modelVersion><groupId>com.acme</groupId><artifactId>${artifact}</artifactId><version>1.0</version><packaging>pom</packaging>${more}</project>`;

requireCommands('bwrap', 'mvn')("Maven's list of file origins", () => {
  let server: Server;
  let url = '';
  beforeAll(async () => {
    server = createServer((request, response) => {
      const isModel = request.url === '/com/acme/base/1.0/base-1.0.pom';
      response.writeHead(isModel ? 200 : 404).end(isModel ? model('base') : undefined);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });
  afterAll(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  });

  test('names the mirrors of both runs, and works offline with either', async () => {
    using world = openWorld();
    world.env['MAVEN_OPTS'] = `-Duser.home=${world.home}`;
    const options = ['-v', 'maven'];
    const imports =
      '<dependencyManagement><dependencies><dependency><groupId>com.acme</groupId><artifactId>base</artifactId><version>1.0</version><type>pom</type><scope>import</scope></dependency></dependencies></dependencyManagement>';
    const cwd = world.project('app', { 'pom.xml': model('app', imports) });
    const mirrors = ['left', 'right'].map((id) => {
      const settings = `<settings><mirrors><mirror><id>${id}</id><mirrorOf>*</mirrorOf><url>${url}</url></mirror></mirrors></settings>`;
      world.write({ [`${id}.xml`]: settings });
      return ['mvn', '--batch-mode', '--quiet', '--settings', join(world.dir, `${id}.xml`), 'validate'];
    });
    const runs = await atOnce(
      world,
      mirrors.map((argv) => ({ cwd, argv, options })),
    );
    expect(await savedByBoth(world, runs, 'maven')).toContain('com/acme/base/1.0/_remote.repositories');
    for (const argv of mirrors) {
      expect(await world.run([...argv, '--offline'], { cwd, options })).toMatchObject({ code: 0 });
    }
  });
});

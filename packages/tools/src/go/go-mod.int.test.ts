import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { BytePath } from '@cachelane/core';
import { requireCommands, versionOf } from '@cachelane/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { layerOf, readTree, viewOf, writeTree, type CacheLayer, type CacheTree } from '../cache-trees.fixture.ts';
import { goModTool } from './go-mod.ts';
import { goModuleZip, writeGoProxy } from './go-modules.fixture.ts';

const run = promisify(execFile);
const noTree: CacheTree = new Map();

const library = (version: string): { path: string; version: string; files: Record<string, string> } => ({
  path: 'example.test/lib',
  version,
  files: { 'lib.go': `package lib\n\nconst V = "lib ${version}"\n` },
});
const leaf = (name: string): ReturnType<typeof library> => ({
  path: `example.test/${name}`,
  version: 'v1.0.0',
  files: { [`${name}.go`]: `package ${name}\n\nconst V = "${name}"\n` },
});

const program = (leafName: string): string =>
  `package main\n\nimport (\n\t"example.test/${leafName}"\n\t"example.test/lib"\n)\n\nconst V = lib.V + ${leafName}.V\n\nfunc main() {}\n`;

let root: string;

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'go-modules-')));
});
afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

interface Go {
  readonly project: string;
  readonly cache: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

async function go({ project, cache, args, env = {} }: Go): Promise<string> {
  const settings = {
    PATH: process.env['PATH'],
    HOME: root,
    GOMODCACHE: join(root, cache),
    GOCACHE: join(root, 'go-build'),
    GOPROXY: `file://${root}/proxy`,
    GOSUMDB: 'off',
    GOTOOLCHAIN: 'local',
    GOFLAGS: '-mod=mod -modcacherw',
    CGO_ENABLED: '0',
  };
  return (await run('go', args, { cwd: join(root, project), env: { ...settings, ...env } })).stdout;
}

function layerFrom(cache: string, pinned: CacheTree = noTree): CacheLayer {
  return layerOf(goModTool, pinned, readTree(join(root, cache), Date.now()));
}

/** Downloads and extracts what the project needs. */
async function list(project: string, cache: string, env: Go['env'] = {}): Promise<string> {
  return await go({ project, cache, args: ['list', '-deps', '-f', '{{.ImportPath}} {{.Dir}}', './...'], env });
}

async function fetched(project: string, cache: string): Promise<CacheLayer> {
  expect(await list(project, cache)).toContain(join(root, cache, 'example.test/lib@'));
  return layerFrom(cache);
}

requireCommands('go')("Go's own module cache", () => {
  beforeEach(() => {
    writeGoProxy(join(root, 'proxy'), [library('v1.0.0'), library('v1.1.0'), leaf('left'), leaf('right')]);
    for (const [project, version, leafName] of [
      ['one', 'v1.0.0', 'left'],
      ['two', 'v1.1.0', 'right'],
    ] as const) {
      write(
        `${project}/go.mod`,
        `module example.test/${project}\n\ngo 1.24\n\nrequire (\n\texample.test/lib ${version}\n\texample.test/${leafName} v1.0.0\n)\n`,
      );
      write(`${project}/main.go`, program(leafName));
    }
  });

  test('only downloads are stored, not extracted modules or locks', async () => {
    const stored = [...(await fetched('one', 'cache')).keys()].map((path) =>
      path.replace('cache/download/example.test/', ''),
    );
    const suffixes = ['info', 'mod', 'zip', 'ziphash'];
    const names = ['left/@v/v1.0.0', 'lib/@v/v1.0.0'].flatMap((name) => suffixes.map((suffix) => `${name}.${suffix}`));
    expect(stored.toSorted()).toEqual([...names, 'left/@v/list', 'lib/@v/list'].toSorted());
  });

  test('merging two runs gives a cache that builds both offline and serves as a proxy', async () => {
    const [first, second] = await Promise.all([fetched('one', 'first'), fetched('two', 'second')]);
    writeTree(goModTool, viewOf(goModTool, [second, first]), join(root, 'merged'));
    for (const project of ['one', 'two']) {
      expect(await list(project, 'merged', { GOPROXY: 'off' })).toContain(join(root, 'merged', 'example.test/lib@'));
      expect(await go({ project, cache: 'merged', args: ['mod', 'verify'] })).toBe('all modules verified\n');
    }
    const versions = ['list', '-m', '-versions', 'example.test/lib'];
    const env = { GOPROXY: `file://${root}/merged/cache/download` };
    expect(await go({ project: 'one', cache: 'empty', args: versions, env })).toBe('example.test/lib v1.0.0 v1.1.0\n');
  });

  test('a list is stored as the lines added, and equals Go’s', async () => {
    await fetched('one', 'cache');
    const pinned = layerFrom('cache');
    await list('two', 'cache');
    const path = 'cache/download/example.test/lib/@v/list' as BytePath;
    const added = layerFrom('cache', pinned);
    expect(Buffer.from(added.get(path)?.content() ?? []).toString()).toBe('v1.1.0\n');
    const view = viewOf(goModTool, [added, pinned]);
    expect(Buffer.from(view.get(path)?.content() ?? []).toString()).toBe(
      readFileSync(join(root, 'cache', path), 'utf8'),
    );
  });

  test('a version without its go.mod is not listed', async () => {
    const layer = new Map(await fetched('one', 'cache'));
    layer.delete('cache/download/example.test/lib/@v/v1.0.0.mod' as BytePath);
    const closed = viewOf(goModTool, [layer]).get('cache/download/example.test/lib/@v/list' as BytePath);
    expect(closed?.sizeBytes).toBe(0);
  });

  test('a warm run changes nothing', async () => {
    await fetched('one', 'cache');
    const pinned = layerFrom('cache');
    writeTree(goModTool, pinned, join(root, 'warm'));
    await list('one', 'warm');
    expect(layerFrom('warm', pinned)).toEqual(new Map());
  });

  test('Go trusts the digest beside a zip and does not verify the zip', async () => {
    const layer = new Map(await fetched('one', 'cache'));
    const zip = 'cache/download/example.test/lib/@v/v1.0.0.zip' as BytePath;
    const files = { 'go.mod': 'module example.test/lib\n\ngo 1.24\n', 'lib.go': 'package lib\n\nconst V = "other"\n' };
    layer.set(zip, versionOf(goModuleZip({ ...library('v1.0.0'), files })));
    writeTree(goModTool, layer, join(root, 'tampered'));
    await go({ project: 'one', cache: 'tampered', args: ['build', '-o', '/dev/null', './...'] });
    expect(readFileSync(join(root, 'tampered/example.test/lib@v1.0.0/lib.go'), 'utf8')).toContain('other');
    expect(goModTool.stored.find(({ path }) => path === zip)?.checked).toBe('never');
    await expect(go({ project: 'one', cache: 'tampered', args: ['mod', 'verify'] })).rejects.toThrow(
      'zip has been modified',
    );

    layer.delete(`${zip}hash` as BytePath);
    writeTree(goModTool, layer, join(root, 'unsigned'));
    await expect(list('one', 'unsigned')).rejects.toThrow('checksum mismatch');
  });
});

requireCommands('go', 'git')('clones in the module cache', () => {
  test('each clone is one group without locks, and Go can update it', async () => {
    write('repository/go.mod', 'module example.test/r.git\n\ngo 1.24\n');
    write('repository/r.go', 'package r\n');
    const author = {
      GIT_AUTHOR_NAME: 'a',
      GIT_AUTHOR_EMAIL: 'a@b',
      GIT_COMMITTER_NAME: 'a',
      GIT_COMMITTER_EMAIL: 'a@b',
    };
    const git = async (...args: readonly string[]): Promise<unknown> =>
      run('git', args, { cwd: join(root, 'repository'), env: { PATH: process.env['PATH'], HOME: root, ...author } });
    await git('init', '--quiet', '--initial-branch=main');
    await git('add', '.');
    await git('commit', '--quiet', '--message=one');
    await git('tag', 'v1.0.0');
    write('project/go.mod', 'module example.test/project\n\ngo 1.24\n');

    const env = {
      GOPROXY: 'direct',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: `url.file://${root}/repository.insteadOf`,
      GIT_CONFIG_VALUE_0: 'https://example.test/r',
    };
    await go({ project: 'project', cache: 'cache', args: ['mod', 'download', 'example.test/r.git@v1.0.0'], env });
    const layer = layerFrom('cache');
    const clone = [...layer.keys()].filter((path) => path.startsWith('cache/vcs/'));
    expect(clone.filter((path) => path.endsWith('.lock'))).toEqual([]);
    const groups = clone.map((path) => goModTool.classify(path, false, { peek: () => undefined }));
    expect(new Set(groups.map((rule) => rule.kind === 'keep' && rule.group)).size).toBe(1);
    expect(clone.some((path) => path.endsWith('.info'))).toBe(true);

    writeTree(goModTool, layer, join(root, 'again'));
    await git('commit', '--quiet', '--allow-empty', '--message=two');
    await git('tag', 'v1.1.0');
    const args = ['list', '-m', '-versions', 'example.test/r.git'];
    expect(await go({ project: 'project', cache: 'again', args, env })).toBe('example.test/r.git v1.0.0 v1.1.0\n');
  });
});

import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { farFutureNs } from '@cachelane/core';
import { requireCommands, versionOf } from '@cachelane/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { layerOf, readTree, viewOf, writeTree, type CacheTree } from '../cache-trees.fixture.ts';
import { goBuildTool } from './go-build.ts';

const run = promisify(execFile);
const noTree: CacheTree = new Map();

const counting = `import "unicode/utf8"\n\nfunc Count(s string) int { return utf8.RuneCountInString(s) }\n`;
const files = {
  'go.mod': 'module example.test/m\n\ngo 1.24\n',
  'base/base.go': `package base\n\n${counting}`,
  'left/left.go': 'package left\n\nimport "example.test/m/base"\n\nfunc Left() int { return base.Count("left") }\n',
  'right/right.go':
    'package right\n\nimport "example.test/m/base"\n\nfunc Right() int { return base.Count("right") }\n',
  'cmd/one/main.go': 'package main\n\nfunc main() { println("one") }\n',
  'cmd/two/main.go': 'package main\n\nfunc main() { println("two") }\n',
};

requireCommands('go')("Go's own build cache", () => {
  let root: string;

  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'go-cache-')));
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, 'm', path)), { recursive: true });
      writeFileSync(join(root, 'm', path), text);
    }
  });
  afterEach(() => rmSync(root, { recursive: true }));

  /** Runs Go and returns its stderr. */
  async function go(cache: string, ...args: readonly string[]): Promise<string> {
    const env = {
      PATH: process.env['PATH'],
      HOME: root,
      GOCACHE: join(root, cache),
      GOTOOLCHAIN: 'local',
      GOPROXY: 'off',
      CGO_ENABLED: '0',
    };
    return (await run('go', args, { cwd: join(root, 'm'), env })).stderr;
  }

  function treeOf(cache: string): CacheTree {
    return readTree(join(root, cache), Date.now());
  }

  test('merging two runs of the same cache gives a cache that rebuilds nothing', async () => {
    expect(await go('cache', 'build', '-v', './base')).toContain('example.test/m/base');
    const pinned = layerOf(goBuildTool, noTree, treeOf('cache'));
    for (const cache of ['first', 'second']) cpSync(join(root, 'cache'), join(root, cache), { recursive: true });
    await Promise.all([go('first', 'build', './left'), go('second', 'build', './right')]);

    const first = layerOf(goBuildTool, pinned, treeOf('first'));
    const second = layerOf(goBuildTool, pinned, treeOf('second'));
    const merged = { 'one-on-two': [first, second, pinned], 'two-on-one': [second, first, pinned] };
    for (const [cache, layers] of Object.entries(merged)) {
      writeTree(goBuildTool, viewOf(goBuildTool, layers), join(root, cache));
      expect(await go(cache, 'build', '-v', './base', './left', './right')).toBe('');
    }
  });

  test('building twice is no change: entries differ only in times', async () => {
    await Promise.all([go('first', 'build', './left'), go('second', 'build', './left')]);
    const [first, second] = [treeOf('first'), treeOf('second')];
    const differing = [...first].flatMap(([path, { digest }]) => (second.get(path)?.digest === digest ? [] : [path]));
    expect(differing.filter((path) => path.endsWith('-a')).length).toBeGreaterThan(5);
    const changed = [...layerOf(goBuildTool, first, second).keys()];
    expect(changed.filter((path) => path !== 'trim.txt')).toEqual([]);
  });

  test('a build from stored files touches no entry', async () => {
    await go('cache', 'build', './left');
    const view = viewOf(goBuildTool, [layerOf(goBuildTool, noTree, treeOf('cache'))]);
    const entries = [...view.keys()].filter((path) => /-[ad]$/.test(path));
    const times = (cache: string): readonly bigint[] =>
      entries.map((path) => statSync(join(root, cache, path), { bigint: true }).mtimeNs);

    writeTree(goBuildTool, view, join(root, 'merged'));
    await go('merged', 'build', './left');
    expect(new Set(times('merged'))).toEqual(new Set([farFutureNs]));

    writeTree(goBuildTool, view, join(root, 'old'));
    for (const path of entries) utimesSync(join(root, 'old', path), 1_700_000_000, 1_700_000_000);
    await go('old', 'build', './left');
    expect(new Set(times('old')).size).toBeGreaterThan(1);
  });

  test('programs of go run run again without linking', async () => {
    await Promise.all([go('first', 'run', './cmd/one'), go('second', 'run', './cmd/two')]);
    const layers = ['first', 'second'].map((cache) => layerOf(goBuildTool, noTree, treeOf(cache)));
    expect(layers.flatMap((layer) => [...layer.keys()]).filter((path) => /-d\/(one|two)$/.test(path))).toHaveLength(2);

    writeTree(goBuildTool, viewOf(goBuildTool, layers), join(root, 'merged'));
    for (const [name, said] of [
      ['one', 'one\n'],
      ['two', 'two\n'],
    ] as const) {
      const log = await go('merged', 'run', '-x', `./cmd/${name}`);
      expect(log.endsWith(said)).toBe(true);
      expect(log).not.toMatch(/\/(link|compile) /);
    }
  });

  test('truncated or invalid entries never replace Go’s', async () => {
    await go('cache', 'build', './left');
    await go('cache', 'clean', '-testcache');
    const written = layerOf(goBuildTool, noTree, treeOf('cache'));
    const times = [...written.keys()].filter((path) => !/^[0-9a-f]{2}\//.test(path));
    expect(times.toSorted()).toEqual(['testexpire.txt', 'trim.txt']);

    const entries = [...written].filter(([path]) => path.endsWith('-a') || times.includes(path));
    const short = entries.map(([path, version]) => [path, versionOf(version.content().subarray(0, -5))] as const);
    const junk = entries.map(([path]) => [path, versionOf(Buffer.from('junk'))] as const);
    const entryLayer = (layer: typeof short): CacheTree => new Map(layer.filter(([path]) => path.endsWith('-a')));
    // Includes the outputs, since an entry without its output is dropped.
    const view = viewOf(goBuildTool, [new Map(junk), entryLayer(short), written]);
    expect(entries.map(([path]) => [path, view.get(path)?.digest])).toEqual(
      entries.map(([path, { digest }]) => [path, digest]),
    );
  });
});

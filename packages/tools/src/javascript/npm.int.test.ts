import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { requireCommands, startLocalRegistry, type LocalRegistry } from '@cachelane/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { layerOf, readTree, viewOf, writeTree, type CacheTree } from '../cache-trees.fixture.ts';
import { npmTool } from './npm.ts';

const run = promisify(execFile);
const noTree: CacheTree = new Map();

const packages = ['base', 'left', 'right', 'both'].flatMap((name) => [
  { name, version: '1.0.0', dependencies: name === 'base' ? {} : { base: '^1.0.0' } },
  { name: `@scope/${name}`, version: '2.0.0', files: { 'index.js': `module.exports = '${name}';` } },
]);

/** Returns the buckets that npm rewrote. */
function rewritten(before: CacheTree, after: CacheTree): readonly string[] {
  return [...after].flatMap(([path, { digest }]) =>
    path.includes('index-v5') && before.get(path)?.digest !== digest ? [path] : [],
  );
}

requireCommands('npm')("npm's own cache", () => {
  let registry: LocalRegistry;
  let root: string;

  beforeAll(async () => {
    // With a max-age of 0, npm revalidates everything.
    registry = await startLocalRegistry(packages, { maxAgeSeconds: 0 });
  });
  afterAll(async () => registry[Symbol.asyncDispose]());
  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'npm-cache-')));
    registry.clearRequests();
  });
  afterEach(() => rmSync(root, { recursive: true }));

  interface Npm {
    readonly project: string;
    readonly cache: string;
    readonly args: readonly string[];
  }

  async function npm({ project, cache, args }: Npm): Promise<string> {
    const env = {
      PATH: process.env['PATH'],
      HOME: root,
      npm_config_registry: registry.url,
      npm_config_cache: join(root, cache),
      npm_config_audit: 'false',
      npm_config_fund: 'false',
      npm_config_update_notifier: 'false',
    };
    return (await run('npm', args, { cwd: join(root, project), env })).stdout;
  }

  /** Creates a project with a lockfile, using a separate cache. */
  async function makeProject(
    project: string,
    dependencies: Readonly<Record<string, string>>,
    options: readonly string[] = [],
  ): Promise<void> {
    mkdirSync(join(root, project));
    writeFileSync(
      join(root, project, 'package.json'),
      JSON.stringify({ name: project, version: '1.0.0', dependencies }),
    );
    await npm({ project, cache: 'elsewhere', args: ['install', '--package-lock-only', ...options] });
    registry.clearRequests();
  }

  async function install(project: string, cache: string, ...options: readonly string[]): Promise<void> {
    await npm({ project, cache, args: ['ci', ...options] });
    rmSync(join(root, project, 'node_modules'), { recursive: true });
  }

  function treeOf(cache: string): CacheTree {
    return readTree(join(root, cache), Date.now());
  }

  function copy(from: string, to: string): void {
    cpSync(join(root, from), join(root, to), { recursive: true });
  }

  test.each([
    ['with', [], 0],
    ['without', ['--omit-lockfile-registry-resolved'], 3],
  ])('a warm install changes nothing, with a lockfile %s addresses', async (_, options, writtenOffline) => {
    await makeProject('one', { left: '^1.0.0', '@scope/right': '^2.0.0' }, options);
    await install('one', 'cache');
    const pinned = treeOf('cache');
    copy('cache', 'offline');
    copy('cache', 'online');

    await install('one', 'offline', '--offline');
    expect(rewritten(pinned, treeOf('offline')).length).toBeGreaterThanOrEqual(writtenOffline);
    expect(layerOf(npmTool, pinned, treeOf('offline'))).toEqual(new Map());

    await install('one', 'online', '--prefer-online');
    expect(rewritten(pinned, treeOf('online')).length).toBeGreaterThanOrEqual(3);
    expect(registry.requests.some(({ status }) => status === 304)).toBe(true);
    expect(layerOf(npmTool, pinned, treeOf('online'))).toEqual(new Map());
  });

  test('only cleaning is stored', async () => {
    await makeProject('one', { left: '^1.0.0' });
    await install('one', 'cache');
    const stored = [...layerOf(npmTool, noTree, treeOf('cache')).keys()];
    expect(stored.filter((path) => !/^_cacache\/(index-v5|content-v2)\//.test(path))).toEqual([]);
  });

  test('merging two runs of the same cache gives a cache from which both install offline', async () => {
    await makeProject('zero', { base: '^1.0.0' });
    await makeProject('one', { left: '^1.0.0', '@scope/both': '^2.0.0' });
    await makeProject('two', { right: '^1.0.0', '@scope/both': '^2.0.0' });
    await install('zero', 'cache');
    const pinned = layerOf(npmTool, noTree, treeOf('cache'));
    copy('cache', 'first');
    copy('cache', 'second');
    await Promise.all([install('one', 'first'), install('two', 'second')]);

    const first = layerOf(npmTool, pinned, treeOf('first'));
    const second = layerOf(npmTool, pinned, treeOf('second'));
    const merged = { 'one-on-two': [first, second, pinned], 'two-on-one': [second, first, pinned] };
    for (const [cache, layers] of Object.entries(merged)) {
      writeTree(npmTool, viewOf(npmTool, layers), join(root, cache));
      registry.clearRequests();
      for (const project of ['zero', 'one', 'two']) await install(project, cache, '--offline');
      expect(registry.requests).toEqual([]);
    }
  });

  test('a run stores only its own lines, and npm lists the union', async () => {
    await makeProject('one', { left: '^1.0.0' });
    await makeProject('two', { right: '^1.0.0' });
    await install('one', 'cache');
    const pinned = layerOf(npmTool, noTree, treeOf('cache'));
    copy('cache', 'second');
    await install('two', 'second');

    const layer = layerOf(npmTool, pinned, treeOf('second'));
    writeTree(npmTool, layer, join(root, 'delta'));
    const added = await npm({ project: 'two', cache: 'delta', args: ['cache', 'ls'] });
    expect(added).toContain('right-1.0.0.tgz');
    expect(added).not.toMatch(/left|base/);

    writeTree(npmTool, viewOf(npmTool, [layer, pinned]), join(root, 'merged'));
    const merged = await npm({ project: 'two', cache: 'merged', args: ['cache', 'ls'] });
    const both = await npm({ project: 'two', cache: 'second', args: ['cache', 'ls'] });
    expect(merged.split('\n').toSorted()).toEqual(both.split('\n').toSorted());
    expect(await npm({ project: 'two', cache: 'merged', args: ['cache', 'verify'] })).toContain(
      `Index entries: ${both.trim().split('\n').length}`,
    );
  });

  test('manifests for different accept headers are all kept', async () => {
    await makeProject('one', { right: '^1.0.0' }, ['--omit-lockfile-registry-resolved']);
    const view = ['view', 'right', 'version'];
    await install('one', 'first');
    await npm({ project: 'one', cache: 'second', args: view });
    expect(registry.requests.filter(({ path }) => path === '/right')).toHaveLength(2);

    const layers = ['second', 'first'].map((cache) => layerOf(npmTool, noTree, treeOf(cache)));
    writeTree(npmTool, viewOf(npmTool, layers), join(root, 'merged'));
    expect(await npm({ project: 'one', cache: 'merged', args: [...view, '--offline'] })).toBe('1.0.0\n');
    await install('one', 'merged', '--offline');
  });

  test('a line that one run removed stays removed if others only rewrote it', async () => {
    await makeProject('one', { left: '^1.0.0' });
    await install('one', 'cache');
    const pinned = layerOf(npmTool, noTree, treeOf('cache'));
    copy('cache', 'cleaned');
    const key = `make-fetch-happen:request-cache:${registry.url}left/-/left-1.0.0.tgz`;
    await npm({ project: 'one', cache: 'cleaned', args: ['cache', 'clean', key] });
    await install('one', 'cache');

    const cleaned = layerOf(npmTool, pinned, treeOf('cleaned'));
    const again = layerOf(npmTool, pinned, treeOf('cache'));
    expect(again).toEqual(new Map());
    writeTree(npmTool, viewOf(npmTool, [again, cleaned, pinned]), join(root, 'merged'));
    expect(await npm({ project: 'one', cache: 'merged', args: ['cache', 'ls'] })).not.toContain(key);
    await install('one', 'merged');
  });

  test('npm recovers from missing content once the lines that name it are removed', async () => {
    await makeProject('one', { left: '^1.0.0' });
    await install('one', 'cache');
    const layer = new Map(layerOf(npmTool, noTree, treeOf('cache')));
    for (const path of layer.keys()) if (path.includes('content-v2')) layer.delete(path);
    writeTree(npmTool, viewOf(npmTool, [layer]), join(root, 'merged'));
    expect(await npm({ project: 'one', cache: 'merged', args: ['cache', 'ls'] })).toBe('');
    await install('one', 'merged');
  });
});

import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands, startLocalRegistry, type LocalRegistry } from '@cachelane/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openWorld, worldUsers, type World } from '../cli.fixture.ts';
import { atOnce, savedNothing } from './at-once.fixture.ts';
import { somePackages } from './npm-project.fixture.ts';
import { pnpm10, pnpm11, pnpm12, type NpmTool } from './npm-tools.fixture.ts';
import { takeOut } from './store.fixture.ts';

const newest = pnpm12();

// pnpm with a store volume. It copies from it, because a mount is another file system than the project's.

const shared = somePackages('shared', 2);
const own = { left: somePackages('left', 3), right: somePackages('right', 3) } as const;

let registry: LocalRegistry;
beforeAll(async () => {
  registry = await startLocalRegistry([...shared, ...own.left, ...own.right], { maxAgeSeconds: 0 });
});
afterAll(async () => registry[Symbol.asyncDispose]());
beforeEach(() => registry.clearRequests());

function openPnpmWorld(user?: (typeof worldUsers)[number]): World {
  const settings = { npm_config_registry: registry.url, pnpm_config_registry: registry.url, CI: 'true' };
  return openWorld({ env: settings, ...(user === undefined ? {} : { user }) });
}

interface Wanted {
  readonly name: string;
  readonly packages: readonly { readonly name: string }[];
}

/** Clones a project with a lockfile, made with a separate store. */
async function clone(world: World, pnpm: NpmTool, { name, packages }: Wanted): Promise<string> {
  const dependencies = Object.fromEntries(packages.map((wanted) => [wanted.name, '1.0.0']));
  // There is no pnpm on the PATH. Without `packageManager`, cachelane assumes the newest version.
  const asked = pnpm === pnpm10 ? { packageManager: `pnpm@${pnpm.version}` } : {};
  const manifest = { name: 'app', version: '1.0.0', ...asked, dependencies };
  const dir = world.project(name, { 'package.json': JSON.stringify(manifest) });
  if (!existsSync(join(dir, '.git'))) world.gitInit(dir, 'https://github.com/acme/app.git');
  const elsewhere = join(world.dir, 'elsewhere', name);
  const env = { npm_config_store_dir: elsewhere, pnpm_config_store_dir: elsewhere };
  await world.execAsync([...pnpm.argv, 'install', '--lockfile-only'], { cwd: dir, env });
  registry.clearRequests();
  return dir;
}

function install(pnpm: NpmTool, ...more: readonly string[]): readonly string[] {
  return [...pnpm.argv, 'install', '--frozen-lockfile', ...more];
}

function expectInstalled(dir: string, packages: readonly { readonly name: string }[]): void {
  for (const { name } of packages) {
    expect(readFileSync(join(dir, 'node_modules', name, 'index.js'), 'utf8')).toContain(name);
  }
}

const options = ['-v', 'pnpm', '--mounter=overlay'];

requireCommands('bwrap')('pnpm', () => {
  describe.each([pnpm10, pnpm11, ...newest])('$name', (pnpm) => {
    test('two runs at once each add packages, and a third one works offline from both', async () => {
      using world = openPnpmWorld();
      const base = await clone(world, pnpm, { name: 'base', packages: shared });
      const cold = await world.run(install(pnpm), { cwd: base, options });
      expect(cold).toMatchObject({ code: 0 });
      expect(cold.volume('pnpm')).toMatchObject({
        path: join(world.home, '.local/share/pnpm/store'),
        hits: [],
        skipped: null,
      });

      const jobs = [];
      for (const name of ['left', 'right'] as const) {
        const cwd = await clone(world, pnpm, { name, packages: [...shared, ...own[name]] });
        jobs.push({ cwd, argv: install(pnpm), options });
      }
      const runs = await atOnce(world, jobs);
      for (const run of runs) {
        expect(run).toMatchObject({ code: 0 });
        expect(run.volume('pnpm')).toMatchObject({ hits: [{ layers: 1 }], removed: 0, conflicts: [], skipped: null });
      }

      const packages = [...shared, ...own.left, ...own.right];
      const union = await clone(world, pnpm, { name: 'union', packages });
      for (const turn of ['first', 'second']) {
        const run = await world.run(install(pnpm, '--offline'), { cwd: union, options });
        expect(run, turn).toMatchObject({ code: 0 });
        expectInstalled(union, packages);
        expect(run.volume('pnpm'), turn).toMatchObject({ hits: [{ layers: 3 }], ...savedNothing });
        rmSync(join(union, 'node_modules'), { recursive: true });
      }
      expect(registry.requests).toEqual([]);
      expect(existsSync(join(world.home, '.local/share/pnpm/store'))).toBe(false);
    });
  });

  test.each(worldUsers)('a run saves only what it adds, as %s', async (user) => {
    using world = openPnpmWorld(user);
    const first = await clone(world, pnpm11, { name: 'first', packages: shared });
    await world.run(install(pnpm11), { cwd: first, options });
    const second = await clone(world, pnpm11, { name: 'second', packages: [...shared, ...own.left] });
    const run = await world.run(install(pnpm11), { cwd: second, options });
    const layer = (await world.json(['inspect', String(run.volume('pnpm').layer)])) as Layer;
    const files = layer.entries.filter(({ type }) => type === 'file');
    // A manifest and a file for each package, and the index rows that name them.
    expect(files.filter(({ path }) => path.startsWith('v11/files/'))).toHaveLength(2 * own.left.length);
    expect(files.filter(({ path }) => !path.startsWith('v11/files/'))).toMatchObject([
      { path: 'v11/index.db', class: 'Q', form: 'delta' },
    ]);
  });

  test('index rows that are only in the log are not saved, and nothing else is lost', async () => {
    using world = openPnpmWorld();
    const cwd = await clone(world, pnpm11, { name: 'app', packages: shared });
    // A process opens the database and is killed, so the log stays behind.
    const hold = `const { DatabaseSync } = require('node:sqlite');
      const db = new DatabaseSync(process.argv[1] + '/v11/index.db');
      db.exec("PRAGMA wal_autocheckpoint = 0; INSERT INTO package_index VALUES ('late', x'c0')");
      process.kill(process.pid, 'SIGKILL')`;
    const script = '"$@" && { "$NODE" -e "$HOLD" "$STORE" || true; } && test -s "$STORE/v11/index.db-wal"';
    const env = { NODE: process.execPath, HOLD: hold, STORE: join(world.home, '.local/share/pnpm/store') };
    const run = await world.run(['sh', '-ec', script, 'sh', ...install(pnpm11)], { cwd, options, env });
    expect(run).toMatchObject({ code: 0 });
    expect(run.volume('pnpm')).toMatchObject({ conflicts: [], skipped: null });

    rmSync(join(cwd, 'node_modules'), { recursive: true });
    const next = await world.run(install(pnpm11, '--offline'), { cwd, options });
    expect(next).toMatchObject({ code: 0 });
    expectInstalled(cwd, shared);
  });

  describe.each([pnpm10, pnpm11, ...newest])('$name, after a run was removed', (pnpm) => {
    test('keeps the packages of the other runs, and names no removed file', async () => {
      using world = openPnpmWorld();
      const dirs = [];
      for (const name of ['left', 'right'] as const) {
        const cwd = await clone(world, pnpm, { name, packages: [...shared, ...own[name]] });
        dirs.push(cwd);
        expect(await world.run(install(pnpm), { cwd, options })).toMatchObject({ code: 0 });
      }
      const [left = '', right = ''] = dirs;
      const log = (await world.json(['log', '-C', left, 'pnpm'])) as readonly { readonly run: string }[];
      const taken = { namespace: 'github.com/acme/app', volume: 'pnpm', run: String(log.at(-1)?.run) };
      expect(await takeOut(world, taken)).toMatchObject({ layers: { length: 1 } });

      for (const dir of dirs) rmSync(join(dir, 'node_modules'), { recursive: true });
      // The shared packages came with the first run. The second run stored only its own.
      const offline = await world.run(install(pnpm, '--offline'), { cwd: right, options });
      expect(offline.stdout + offline.stderr).toContain('ERR_PNPM_NO_OFFLINE_TARBALL');
      registry.clearRequests();
      expect(await world.run(install(pnpm), { cwd: right, options })).toMatchObject({ code: 0 });
      expectInstalled(right, [...shared, ...own.right]);
      const tarballs = registry.requests.map(({ path }) => path).filter((path) => path.endsWith('.tgz'));
      expect(tarballs.toSorted()).toEqual(shared.map(({ name }) => `/${name}/-/${name}-1.0.0.tgz`));
    });
  });

  const pairs = newest.flatMap((pnpm) => [
    { writer: pnpm11, reader: pnpm },
    { writer: pnpm, reader: pnpm11 },
  ]);
  test.each(pairs)(
    '$writer.name fills a store, and another pnpm with the same format installs offline from it',
    async ({ writer, reader }) => {
      using world = openPnpmWorld();
      const cwd = await clone(world, writer, { name: 'app', packages: shared });
      expect(await world.run(install(writer), { cwd, options })).toMatchObject({ code: 0 });
      rmSync(join(cwd, 'node_modules'), { recursive: true });
      await clone(world, reader, { name: 'app', packages: shared });
      const run = await world.run(install(reader, '--offline'), { cwd, options });
      expect(run).toMatchObject({ code: 0 });
      expectInstalled(cwd, shared);
      expect(run.volume('pnpm')).toMatchObject(savedNothing);
    },
  );
});

interface Layer {
  readonly entries: readonly {
    readonly path: string;
    readonly type: string;
    readonly form: string;
    readonly class: string;
  }[];
}

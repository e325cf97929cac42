import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Fork } from '@cachelane/sdk';
import type { NodeEngine } from '@cachelane/sdk/node';
import { startLocalRegistry } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { npmFiles, somePackages, versionsOf } from '../real-tools/npm-project.fixture.ts';
import { openSdkWorld, pathsOf, type SdkWorld } from './sdk-world.fixture.ts';

// Seeds of volumes. The engine process, its store and the machine's directories are real.

const refusalOf = async (asked: Promise<unknown>): Promise<unknown> =>
  await asked.then(
    () => 'it was not refused',
    (error: unknown) => error,
  );

/** Creates a directory on the world's machine. Returns its path. */
function directory(on: SdkWorld, name: string, files: Readonly<Record<string, string>>): string {
  on.world.write(Object.fromEntries(Object.entries(files).map(([path, text]) => [`${name}/${path}`, text])));
  return join(on.world.dir, name);
}

const filesOf = (fork: Fork): readonly string[] =>
  readdirSync(fork.directory, { recursive: true, encoding: 'utf8' }).toSorted();

/** Returns the paths of npm's package contents. */
const content = (paths: readonly string[]): readonly string[] => paths.filter((path) => path.includes('/content-v2/'));

async function sourced(engine: NodeEngine, from: string): Promise<Fork> {
  return await engine.attach([engine.cacheVolume('data', { source: { directory: from } })]);
}

describe('a volume with a directory as its source', () => {
  test('gives npm its old cache, saves only new files, and keeps those under another source', async () => {
    await using on = openSdkWorld();
    const [old, fresh] = [somePackages('old', 3), somePackages('fresh', 2)];
    await using registry = await startLocalRegistry([...old, ...fresh]);
    const npmrc = `registry=${registry.url}\nupdate-notifier=false\naudit=false\nfund=false\n`;
    const files = async (packages: typeof old): Promise<Readonly<Record<string, string>>> => ({
      ...(await npmFiles(registry, { name: 'web', dependencies: versionsOf(packages) })),
      '.npmrc': npmrc,
    });
    const web = on.acme('web', await files(old));
    const seed = join(on.world.dir, 'seed');
    await on.world.execAsync(['npm', 'ci', '--cache', seed], { cwd: web });
    const inSeed = execFileSync('find', [seed, '-type', 'f'], { encoding: 'utf8' });
    await on.serve();
    const engine = await on.session(web);
    const source = { directory: seed };
    const npm = engine.cacheVolume('npm', { source });

    const offline = await engine.run(['npm', 'ci', '--offline'], { volumes: [npm], stdio: 'capture', cwd: web });
    expect(offline.stdout).toContain('added 3 packages');
    expect(offline.saved).toMatchObject([{ added: 0, layer: null, skipped: null }]);
    expect(await npm.heads()).toEqual([]);

    on.acme('web', await files([...old, ...fresh]));
    const both = await engine.run(['npm', 'ci'], { volumes: [npm], stdio: 'capture', cwd: web });
    expect(both.stdout).toContain('added 5 packages');
    expect(content(await pathsOf(npm.entries()))).toHaveLength(2);
    expect(execFileSync('find', [seed, '-type', 'f'], { encoding: 'utf8' })).toBe(inSeed);

    const other = engine.cacheVolume('npm', { source: { directory: directory(on, 'other', { x: 'x' }) } });
    expect(await other.id()).toBe(await npm.id());
    on.acme('web', await files(fresh));
    const kept = await engine.run(['npm', 'ci', '--offline'], { volumes: [other], stdio: 'capture', cwd: web });
    expect(kept.stdout).toContain('added 2 packages');

    const { why, seed: told } = (await npm.explain()) ?? { why: '', seed: null };
    expect(told).toBe(seed);
    expect(why).toContain(`starts with t1:local, then its seed ${seed}`);
    const [path = ''] = content(inSeed.split('\n')).map((file) => file.slice(seed.length + 1));
    expect(await npm.blame(path)).toMatchObject([{ isSeen: true, isSeed: true, lane: 'seed', runs: [] }]);
    expect(await engine.cacheVolume('npm').blame(path)).toEqual([]);
  });

  test.each(['PRIVATE', 'SHARED'] as const)('shows its lane’s own files above it, in %s forks', async (sharing) => {
    await using on = openSdkWorld();
    await on.serve();
    const engine = await on.session(on.acme('web'));
    const from = directory(on, 'seed', { 'd/gone': 'seed', 'd/stays': 'seed', top: 'seed' });
    const data = engine.cacheVolume('data', { sharing, source: { directory: from } });
    {
      await using nothing = await engine.attach([data]);
      expect(filesOf(nothing)).toEqual(['d', 'd/gone', 'd/stays', 'top']);
      expect(await nothing.commit()).toMatchObject([{ layer: null, skipped: null }]);
    }
    {
      await using fork = await engine.attach([data]);
      writeFileSync(join(fork.directory, 'top'), 'own');
      rmSync(join(fork.directory, 'd/gone'));
      expect(await fork.commit()).toMatchObject([{ added: 0, changed: 1, removed: 1 }]);
    }
    writeFileSync(join(from, 'top'), 'seed, changed');
    writeFileSync(join(from, 'd/gone'), 'seed, changed');
    writeFileSync(join(from, 'd/more'), 'seed');
    {
      await using fork = await engine.attach([data]);
      expect(filesOf(fork)).toEqual(['d', 'd/more', 'd/stays', 'top']);
      expect(readFileSync(join(fork.directory, 'top'), 'utf8')).toBe('own');
    }
    await using plain = await engine.attach([engine.cacheVolume('data', { sharing })]);
    expect(filesOf(plain)).toEqual(['d', 'top']);
  });

  test('gives an error while other forks use the directory with another source', async () => {
    await using on = openSdkWorld();
    await on.serve();
    const engine = await on.session(on.acme('web'));
    const shared = async (name: string): Promise<Fork> =>
      await engine.attach([
        engine.cacheVolume('data', { sharing: 'SHARED', source: { directory: directory(on, name, { [name]: name }) } }),
      ]);
    await using first = await shared('one');
    const events = engine.events();
    await events.opened;
    await using second = await shared('two');
    expect(second.directory).toBe(first.directory);
    expect(filesOf(second)).toEqual(['one']);
    for await (const { type, message } of events) {
      if (type !== 'WARNING') continue;
      const why = `is not seeded from ${join(on.world.dir, 'two')}`;
      expect(message).toContain(`data shares a directory with other runs and ${why}`);
      break;
    }
  });

  test('fails without a source directory, and skips links that lead out', async () => {
    await using on = openSdkWorld();
    await on.serve();
    const engine = await on.session(on.acme('web'));
    const seed = directory(on, 'seed', { 'a/b': 'b', file: 'file' });
    directory(on, 'secret', { key: 'key' });
    symlinkSync('seed', join(on.world.dir, 'link'));
    symlinkSync('../secret', join(seed, 'out'));
    symlinkSync('a/b', join(seed, 'in'));
    execFileSync('mkfifo', [join(seed, 'fifo')]);
    const refused = async (path: string): Promise<unknown> => await refusalOf(sourced(engine, path));
    expect(await refused(join(on.world.dir, 'none'))).toMatchObject({ code: 'E_NOT_FOUND' });
    expect(await refused(join(seed, 'file'))).toMatchObject({ code: 'E_USAGE' });
    expect(await refused(join(seed, 'fifo'))).toMatchObject({ code: 'E_USAGE' });
    expect(await refused(`${seed}/../secret`)).toMatchObject({ code: 'E_USAGE' });
    expect(await refused(on.world.store)).toMatchObject({ code: 'E_USAGE' });
    expect(await refused(on.world.dir)).toMatchObject({ code: 'E_USAGE' });
    expect(await refused('/proc/1/root')).toMatchObject({ code: 'E_USAGE' });
    expect(existsSync(join(on.world.store, 'kept/once-0'))).toBe(false);

    const events = engine.events();
    await events.opened;
    for (const path of [seed, join(on.world.dir, 'link')]) {
      await using fork = await sourced(engine, path);
      expect(filesOf(fork)).toEqual(['a', 'a/b', 'file', 'in']);
    }
    for await (const { type, message } of events) {
      if (type !== 'WARNING') continue;
      expect(message).toContain(`data is seeded from ${seed} without 2 of its entries`);
      break;
    }
  });

  test('has none of the credentials that its path implies', async () => {
    await using on = openSdkWorld();
    await on.serve();
    const engine = await on.session(on.acme('web'));
    mkdirSync(join(on.world.home, '.docker'), { recursive: true });
    for (const name of ['config.json', 'other.json']) writeFileSync(join(on.world.home, '.docker', name), '{}');
    symlinkSync(join(on.world.home, '.docker'), join(on.world.dir, 'link'));
    for (const path of [join(on.world.home, '.docker'), join(on.world.dir, 'link')]) {
      await using fork = await sourced(engine, path);
      expect(filesOf(fork)).toEqual(['other.json']);
    }
  });
});

test('a source larger than volume-size is an error for programs, and a run continues without it', async () => {
  await using on = openSdkWorld();
  await on.serve();
  const web = on.acme('web', {
    'cachelane.yaml': 'volumes:\n  parts: { path: parts, source: ./stock }\npolicy: { volume-size: 1GB }\n',
    'stock/part': 'part',
  });
  truncateSync(join(web, 'stock/part'), 1e10);
  const why = `${join(web, 'stock')} holds 10GB, and a seed may hold 1GB (policy volume-size, `;
  const engine = await on.session(web);
  expect(await refusalOf(engine.attach([engine.cacheVolume('parts')]))).toMatchObject({
    code: 'E_QUOTA',
    message: expect.stringContaining(why),
  });
  const { stderr, stdout } = await on.world.run(['sh', '-c', 'ls parts; echo ran'], { cwd: web });
  expect(stdout).toBe('ran\n');
  expect(stderr).toContain(`parts is not seeded: ${why}`);
});

test('a source in cachelane.yaml also applies to programs, except confined ones, which get a warning', async () => {
  await using on = openSdkWorld();
  await on.serve();
  const web = on.acme('web', {
    'cachelane.yaml': 'volumes:\n  parts: { path: parts, source: ./stock }\n',
    'stock/part': 'part',
  });
  const engine = await on.session(web);
  const parts = engine.cacheVolume('parts');
  {
    await using fork = await engine.attach([parts]);
    expect(filesOf(fork)).toEqual(['part']);
  }
  expect((await parts.explain())?.seed).toBe(join(web, 'stock'));
  expect(await parts.blame('part')).toMatchObject([{ isSeed: true }]);
  {
    await using fork = await engine.attach([
      { volume: parts, source: { directory: directory(on, 'other', { other: 'other' }) } },
    ]);
    expect(filesOf(fork)).toEqual(['other']);
  }
  const confined = await on.session(web, { namespace: 'github.com/acme/web', confine: true });
  const own = confined.cacheVolume('parts');
  await using fork = await confined.attach([own]);
  expect(filesOf(fork)).toEqual([]);
  expect(fork.volumes[0]?.warnings).toEqual([
    'it is not seeded from cachelane.yaml:2: a confined session cannot seed a volume from a directory',
  ]);
  expect(await own.explain()).toMatchObject({ seed: null, why: expect.not.stringContaining('seed') });
  expect(await own.blame('part')).toEqual([]);
  const byVolume = confined.cacheVolume('parts', { source: { volume: confined.cacheVolume('stock') } });
  expect((await byVolume.explain())?.seed).toContain('/web:stock (');
});

describe('a volume with another volume as its source', () => {
  test('finds the other’s files, and is the same volume without a source; the report names both requests', async () => {
    await using on = openSdkWorld();
    await on.serve();
    const [web, api] = [await on.session(on.acme('web')), await on.session(on.acme('api'))];
    const stock = web.cacheVolume('npm');
    {
      await using fork = await web.attach([stock]);
      writeFileSync(join(fork.directory, 'part'), 'part');
      await fork.commit();
    }
    const passed = api.volume(await stock.id());
    const data = api.cacheVolume('npm', { source: { volume: passed } });
    {
      await using fork = await api.attach([data]);
      expect(filesOf(fork)).toEqual(['part']);
      writeFileSync(join(fork.directory, 'own'), 'own');
      expect(await fork.commit()).toMatchObject([{ added: 1 }]);
    }
    expect(await pathsOf(data.entries())).toEqual(['own']);
    expect(await data.blame('part')).toMatchObject([{ isSeed: true, lane: 't1:local', runs: [{ lane: 't1:local' }] }]);
    expect((await data.explain())?.seed).toBe('github.com/acme/web:npm');

    const again = api.cacheVolume('npm', { sharing: 'LOCKED', source: { directory: on.world.home }, owner: '1:1' });
    const warning =
      /^github\.com\/acme\/api requested it with source github\.com\/acme\/web:npm at .*Z, and this request has source .*home/;
    expect((await again.info()).warnings).toEqual([expect.stringMatching(warning)]);
    await using fork = await api.attach([{ volume: data, sharing: 'PRIVATE' }]);
    expect(fork.volumes[0]?.warnings).toEqual([
      expect.stringMatching(/^.* requested it with sharing LOCKED at .*, and this request has sharing PRIVATE/),
      expect.stringMatching(
        /^.* requested it with source .*home at .*, and this request has source github\.com\/acme\/web:npm/,
      ),
    ]);
  });

  test('is refused to a confined session that may not read the source, whether it exists or not; so is any directory', async () => {
    await using on = openSdkWorld();
    await on.serve();
    const web = await on.session(on.acme('web'));
    const api = await on.session(on.acme('api'), { namespace: 'github.com/acme/api', confine: true });
    {
      await using fork = await web.attach([web.cacheVolume('stock')]);
      writeFileSync(join(fork.directory, 'part'), 'part');
      await fork.commit();
    }
    const volumes = [web.cacheVolume('stock'), web.cacheVolume('stock').in('github.com/acme/none')];
    const refusals: string[] = [];
    for (const volume of volumes) {
      const hidden = api.volume(await volume.id());
      const one = await refusalOf(api.cacheVolume('data', { source: { volume: hidden } }).id());
      const other = await refusalOf(api.attach([{ volume: api.cacheVolume('data'), source: { volume: hidden } }]));
      for (const error of [one, other]) expect(error).toMatchObject({ code: 'E_NOT_FOUND' });
      refusals.push(`${String(one)} ${String(other)}`.replaceAll('/web', '/none'));
    }
    expect(refusals[0]).toBe(refusals[1]);
    for (const path of [on.world.home, join(on.world.dir, 'none')]) {
      expect(await refusalOf(sourced(api, path))).toMatchObject({
        code: 'E_USAGE',
        message: 'a confined session cannot seed a volume from a directory',
      });
    }
  });
});

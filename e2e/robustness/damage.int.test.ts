import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { requireCommands } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { openWorld, worldUsers, type World } from '../cli.fixture.ts';
import { expectBare } from './bare.fixture.ts';
import { expectNoSessions, expectWholeHeads, headsIn, layerDir } from './store.fixture.ts';

const options = ['-v', 'data:data'];

const inVolume = async (world: World, script: string, ...more: readonly string[]) =>
  await world.run(['sh', '-c', script], { options: [...options, ...more] });

/** Damages the database and deletes the write-ahead log, which would repair it. */
function spoilDatabase(world: World, spoil: (file: string) => void): void {
  for (const suffix of ['-wal', '-shm']) rmSync(join(world.store, `state.db${suffix}`), { force: true });
  spoil(join(world.store, 'state.db'));
}

/** Moves everything from the write-ahead log into the database file. */
function fold(world: World): void {
  using database = new DatabaseSync(join(world.store, 'state.db'));
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
}

function flip(file: string): void {
  const bytes = readFileSync(file);
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  writeFileSync(file, bytes);
}

describe.each(worldUsers)('as %s', (user) => {
  requireCommands('bwrap', 'flock')('a database', () => {
    test.each([
      ['garbage', /is not a database/, (file: string) => writeFileSync(file, 'no database '.repeat(1000))],
      ['cut off', /is damaged|is not a database/, (file: string) => truncateSync(file, 5000)],
      ['damaged within', /is damaged/, (file: string) => writeFileSync(file, readFileSync(file).fill(0xff, 4096))],
    ] as const)('that is %s: the error names a fix that works', async (_, why, spoil) => {
      using world = openWorld({ user });
      await inVolume(world, 'echo x > data/x');
      fold(world);
      spoilDatabase(world, spoil);
      await expectBare({ world, why });
      const { stdout } = await world.cachelane(['doctor']);
      expect(stdout).toMatch(/state\.db[^]*mv \S+state\.db \S+\.broken/);
      // Only the names were lost. The suggested fix works and starts cold.
      expect(readdirSync(join(world.store, 'layers'))).toHaveLength(1);
      world.exec(['sh', '-c', `for f in ${world.store}/state.db*; do mv $f $f.broken; done; rm -rf data`]);
      expect(await inVolume(world, 'ls data; echo y > data/y', '--strict')).toMatchObject({ code: 0, stdout: '' });
      expect((await inVolume(world, 'ls data', '--strict')).stdout).toBe('y\n');
      await expectWholeHeads(world);
    });

    test('of zero bytes is replaced by a new one', async () => {
      using world = openWorld({ user });
      await inVolume(world, 'echo x > data/x');
      spoilDatabase(world, (file) => truncateSync(file, 0));
      expect(await inVolume(world, 'ls data; echo y > data/y', '--strict')).toMatchObject({ code: 0, stdout: '' });
      expect((await inVolume(world, 'ls data', '--strict')).stdout).toBe('y\n');
    });

    test('of a newer cachelane is left unchanged, and the error names both versions', async () => {
      using world = openWorld({ user });
      await inVolume(world, 'echo x > data/x');
      const setVersion = (version: number): void => {
        using database = new DatabaseSync(join(world.store, 'state.db'));
        database.exec(`PRAGMA user_version = ${version}`);
      };
      const version = ((): number => {
        using database = new DatabaseSync(join(world.store, 'state.db'));
        return Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
      })();
      setVersion(9999);
      await expectBare({ world, why: /9999/ });
      setVersion(version);
      world.exec(['rm', '-rf', 'data']);
      expect((await inVolume(world, 'cat data/x', '--strict')).stdout).toBe('x\n');
    });
  });

  requireCommands('bwrap', 'flock')('a layer', () => {
    const damages: readonly (readonly [string, (world: World, dir: string) => void])[] = [
      ['that is missing', (_, dir) => rmSync(dir, { recursive: true })],
      ['without its index', (_, dir) => rmSync(join(dir, 'index'))],
      ['with garbage for its description', (_, dir) => writeFileSync(join(dir, 'layer.json'), '{')],
      ['without its tree', (_, dir) => rmSync(join(dir, 'tree'), { recursive: true })],
    ];

    test.each(damages)(
      '%s is reported and skipped, the other layers are used, and the next run has no damage',
      async (_, damage) => {
        using world = openWorld({ user });
        for (const name of ['a', 'b', 'c']) await inVolume(world, `echo ${name} > data/${name}`);
        const [head] = await headsIn(world);
        const bad = head?.layers[1];
        if (bad === undefined) throw new Error('expected three layers');
        damage(world, layerDir(world, bad));

        const run = await inVolume(world, 'ls data; echo again >> count; echo b > data/b; exit 0');
        expect(run).toMatchObject({ code: 0, stdout: 'a\nc\n' });
        expect(readFileSync(join(world.dir, 'count'), 'utf8')).toBe('again\n');
        expect(run.stderr).toMatch(
          new RegExp(`layer ${bad.slice(0, 12)} of data \\(saved by run_[0-9a-f]+\\) is left out: `),
        );
        const next = await inVolume(world, 'cat data/*', '--strict');
        expect(next).toMatchObject({ code: 0, stdout: 'a\nb\nc\n' });
        expect(next.stderr).not.toContain('left out');
        await expectWholeHeads(world);
        await expectNoSessions(world);
      },
    );

    test.each([
      ['a flipped bit', flip],
      ['half of it', (file: string) => truncateSync(file, 20)],
    ])('with %s in its index is reported by the run that saves, and the next run has no damage', async (_, damage) => {
      using world = openWorld({ user });
      for (const name of ['a', 'b', 'c']) await inVolume(world, `echo ${name} > data/${name}`);
      const [head] = await headsIn(world);
      const bad = head?.layers[1];
      if (bad === undefined) throw new Error('expected three layers');
      damage(join(layerDir(world, bad), 'index'));

      const run = await inVolume(world, 'echo new > data/new; exit 0');
      expect(run.code).toBe(0);
      expect(run.stderr).toMatch(
        new RegExp(`layer ${bad.slice(0, 12)} of data \\(saved by run_[0-9a-f]+\\) is left out: `),
      );
      expect(run.volume('data')).toMatchObject({ layer: null, skipped: expect.stringContaining('is damaged') });
      const next = await inVolume(world, 'cat data/*; echo b > data/b', '--strict');
      expect(next).toMatchObject({ code: 0, stdout: 'a\nc\n' });
      expect((await inVolume(world, 'cat data/*', '--strict')).stdout).toBe('a\nb\nc\n');
      await expectWholeHeads(world);
    });

    test('that is damaged and the only one leaves a cold cache', async () => {
      using world = openWorld({ user });
      await inVolume(world, 'echo a > data/a');
      const [head] = await headsIn(world);
      for (const id of head?.layers ?? []) rmSync(join(layerDir(world, id), 'index'));
      expect(await inVolume(world, 'ls data; exit 5')).toMatchObject({ code: 5, stdout: '' });
    });

    test.each(['removed', 'flipped'])('that was derived is rebuilt after it was %s', async (how) => {
      using world = openWorld({ user });
      for (let i = 0; i < 9; i++) await inVolume(world, `echo ${i} > data/${i}; rm -f data/${i - 3}`);
      const derived = join(world.store, 'derived');
      expect(readdirSync(derived).length).toBeGreaterThan(1);
      for (const key of readdirSync(derived)) {
        // The background sync writes its mark when it is done.
        if (how === 'removed') rmSync(join(derived, key), { recursive: true, maxRetries: 20, retryDelay: 50 });
        else flip(join(derived, key, 'index'));
      }
      const run = await inVolume(world, 'ls data', '--strict');
      expect(run).toMatchObject({ code: 0, stdout: '6\n7\n8\n' });
      expect(run.stderr).not.toContain('warning');
      expect(existsSync(derived)).toBe(true);
    });
  });
});

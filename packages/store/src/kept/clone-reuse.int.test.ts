import * as fs from 'node:fs';
import type { AttachedVolume, Mounter, BytePath, StoredLayer } from '@cachelane/core';
import {
  attachRequest,
  collect,
  dyingProcess,
  failingPort,
  SimulatedCrash,
  stageAll,
  type DeathPoint,
  type DyingProcess,
} from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { openCloneMounter } from './clone-mounter.ts';
import { alone, helpersOn } from '../filling/fill.fixture.ts';
import { emptyTable, KeptTable } from '../slots/kept-table.ts';
import { createKeptHome, runScript, type KeptHome } from './kept-home.fixture.ts';
import { attach, changed, dirOf, layerOf, noAbort, save, show } from './kept-runs.fixture.ts';

describe('the directory of a lane', () => {
  test('is reused by the next run', async () => {
    await using home = await createKeptHome(openCloneMounter);
    const first = await attach(home);
    runScript(first, 'mkdir -p d; echo a > d/a; echo tmp > d/tmp');
    const changes = await collect(first);
    const entries = stageAll(changes, { run: `run_${'0'.repeat(32)}` as never }).filter(
      ({ entry }) => entry.path !== ('d/tmp' as BytePath),
    );
    const staged = await home.layers.stage({ changes, entries, sealedAtMs: 1 }, noAbort);
    await home.layers.publish(staged, noAbort);
    await first.release(noAbort);
    const inode = fs.statSync(`${dirOf(first)}/d/a`).ino;
    const second = await attach(home, [await home.layers.open(staged.id, noAbort)]);
    expect(dirOf(second)).toBe(dirOf(first));
    expect(fs.statSync(`${dirOf(second)}/d/a`).ino).toBe(inode);
    // Unsaved files are gone.
    expect(fs.existsSync(`${dirOf(second)}/d/tmp`)).toBe(false);
    expect(await changed(second)).toEqual([]);
    await second.release(noAbort);
  });

  test('is a different one for an overlapping run', async () => {
    await using home = await createKeptHome(openCloneMounter);
    const base = await layerOf(home, 'echo a > a');
    const [one, two] = [await attach(home, [base]), await attach(home, [base])];
    expect(dirOf(one)).not.toBe(dirOf(two));
    runScript(one, 'echo 1 > a');
    expect(show(two)).toBe('./a\na\n');
    for (const each of [one, two]) await each.release(noAbort);
  });

  test('gives files that a run linked their own inodes', async () => {
    await using home = await createKeptHome(openCloneMounter);
    const first = await attach(home);
    runScript(first, 'echo a > one; ln one two; echo b > three');
    const outside = `${home.targets}/outside`;
    fs.linkSync(`${dirOf(first)}/three`, outside);
    const view = [await save(home, first)];
    const second = await attach(home, view);
    fs.writeFileSync(outside, 'edited by somebody\n');
    runScript(second, 'echo A > one');
    expect(show(second)).toBe('./one\n./three\n./two\nA\nb\na\n');
    expect(await changed(second)).toEqual(['one']);
    await second.release(noAbort);
  });

  test.each([
    ['failed', async (_home: KeptHome, volume: AttachedVolume) => await volume.release(noAbort)],
    [
      'was killed',
      async (home: KeptHome) => {
        for (const name of fs.readdirSync(`${home.dir}/kept/sessions`)) {
          await home.mounter.discardSession(name.split('.')[0] as never, noAbort);
        }
      },
    ],
  ])('is repaired after a run that %s', async (_, end) => {
    await using home = await createKeptHome(openCloneMounter);
    const base = await layerOf(home, 'mkdir d e; echo a > d/a; echo b > d/b; echo c > e/c; ln -s d/a link');
    const broken = await attach(home, [base]);
    runScript(broken, 'rm -r e; echo A > d/a; echo new > d/new; mv d/b d/moved; ln -sf nowhere link; mkdir -m 0 shut');
    await end(home, broken);
    const next = await attach(home, [base]);
    expect(dirOf(next)).toBe(dirOf(broken));
    expect(show(next)).toBe('.\n./d\n./d/a\n./d/b\n./e\n./e/c\n./link\na\nb\nc\n'.slice(2));
    expect(fs.readlinkSync(`${dirOf(next)}/link`)).toBe('d/a');
    expect(await changed(next)).toEqual([]);
    await next.release(noAbort);
  });

  test('is discarded after a reboot', async () => {
    await using home = await createKeptHome(openCloneMounter);
    const base = await layerOf(home, 'echo a > a');
    const first = await attach(home, [base]);
    await first.release(noAbort);
    fs.writeFileSync(`${dirOf(first)}/a`, 'x\n');
    const later = openCloneMounter({ dir: home.dir, bootId: 'another', files: home.files });
    const volume = await later.attach(attachRequest(home, { view: [base], reach: 'setting' }), noAbort);
    expect(show(volume)).toBe('./a\na\n');
    await volume.release(noAbort);
  });
});

describe('changes', () => {
  test('of the same size at the same instant are found, even with restored times', async () => {
    await using home = await createKeptHome(openCloneMounter);
    const base = await layerOf(home, 'for i in 1 2 3 4 5 6 7 8; do echo aaaa > $i; done');
    for (let round = 0; round < 5; round++) {
      const volume = await attach(home, [base]);
      runScript(
        volume,
        `echo bbbb > 1; touch -r 2 -d "$(stat -c %y 2)" 1; t=$(stat -c %y 3); echo cccc > 3; touch -d "$t" 3`,
      );
      expect(await changed(volume)).toEqual(['1', '3']);
      await volume.release(noAbort);
    }
  });

  test('right before the end of a run and after the start of the next are distinguished', async () => {
    await using home = await createKeptHome(openCloneMounter);
    let view: readonly StoredLayer[] = [];
    for (let round = 0; round < 20; round++) {
      const volume = await attach(home, view);
      // Same length each time, with no process in between that would take time.
      fs.writeFileSync(`${dirOf(volume)}/f`, String(round).padStart(4, '0'));
      const changes = await collect(volume);
      expect(changes.changes.map(({ path }) => path)).toEqual(['f']);
      const entries = stageAll(changes, { run: `run_${'0'.repeat(32)}` as never });
      const staged = await home.layers.stage({ changes, entries, sealedAtMs: round }, noAbort);
      await home.layers.publish(staged, noAbort);
      await volume.release(noAbort);
      view = [await home.layers.open(staged.id, noAbort)];
    }
  });
});

test('the root has the mode of the target directory', async () => {
  await using home = await createKeptHome(openCloneMounter);
  const modes: number[] = [];
  for (const mode of [0o700, 0o1777, null]) {
    const request = attachRequest(home, { reach: 'setting' });
    if (mode !== null) fs.mkdirSync(request.target);
    if (mode !== null) fs.chmodSync(request.target, mode);
    const volume = await home.mounter.attach(request, noAbort);
    modes.push(fs.statSync(dirOf(volume)).mode & 0o7777);
    await volume.release(noAbort);
  }
  expect(modes).toEqual([0o700, 0o1777, 0o755]);
});

test('a clock that was set back causes no wait and hides no change', async () => {
  await using home = await createKeptHome(openCloneMounter);
  const base = await layerOf(home, 'mkdir d; echo aaaa > d/f; echo g > g');
  const first = await attach(home, [base]);
  expect(await changed(first)).toEqual([]);
  await first.release(noAbort);
  // As if everything had been made an hour from now.
  const file = `${dirOf(first)}/../table`;
  const table = KeptTable.decode(fs.readFileSync(file)) ?? emptyTable;
  const later = [...table.paths()].map((path) => {
    const record = table.find(path);
    return [path, record === undefined ? null : { ...record, ctimeMs: record.ctimeMs + 3_600_000 }] as const;
  });
  fs.writeFileSync(file, table.with(new Map(later)).encode());
  const stop = AbortSignal.timeout(30_000);
  const request = attachRequest(home, { view: [base], reach: 'setting' });
  const second = await home.mounter.attach(request, stop);
  runScript(second, 't=$(stat -c %y d/f); echo bbbb > d/f; touch -d "$t" d/f');
  expect(await changed(second)).toContain('d/f');
  await second.release(noAbort);
  const third = await attach(home, [base]);
  expect(show(third)).toBe('./d\n./d/f\n./g\naaaa\ng\n');
  expect(await changed(third)).toEqual([]);
  await third.release(noAbort);
});

/** Who creates files: the process alone, or with helpers that die with it. */
const ways = [
  ['alone', () => alone],
  ['with helpers', helpersOn],
] as const;

test.each(ways)('the next run repairs a directory after a process died at any point, %s', async (_, fillOn) => {
  await using home = await createKeptHome(openCloneMounter);
  const base = await layerOf(home, 'mkdir d; echo a > d/a; echo b > d/b; ln -s a d/link; mkdir -m 555 d/shut');
  const top = await layerOf(home, 'echo A > d/a; rm d/b; mkdir e; echo e > e/e', [base]);
  const views = [[base], [top, base]];
  let crashes = 0;
  for (let operation = 1, done = false; !done; operation++) {
    const view = views[operation % 2] ?? [];
    const life = dyingProcess({ operation, when: 'before' });
    const files = life.wrap(home.files);
    const mounter = home.open(files, fillOn(files));
    const request = attachRequest(home, { view, reach: 'setting' });
    try {
      const volume = await mounter.attach(request, noAbort);
      runScript(volume, 'echo mess > d/mess');
      await volume.release(noAbort);
      done = true;
    } catch (error) {
      if (!(error instanceof SimulatedCrash) && !((error as Error).cause instanceof SimulatedCrash)) throw error;
      crashes++;
    }
    await home.mounter.discardSession(request.sessionId, noAbort);
    const next = await attach(home, view);
    expect(show(next)).toBe(
      operation % 2 === 0
        ? './d\n./d/a\n./d/b\n./d/link\n./d/shut\na\nb\n'
        : './d\n./d/a\n./d/link\n./d/shut\n./e\n./e/e\nA\ne\n',
    );
    expect(await changed(next)).toEqual([]);
    await next.release(noAbort);
  }
  expect(crashes).toBeGreaterThan(5);
});

/** Adds, changes and removes files of a volume. */
function makeMess(volume: AttachedVolume): void {
  const dir = `${dirOf(volume)}/d`;
  fs.writeFileSync(`${dir}/mess`, 'mess\n');
  fs.writeFileSync(`${dir}/a`, 'X\n');
  fs.rmSync(`${dir}/b`);
  fs.chmodSync(`${dir}/c`, 0o600);
}

/** A run whose work is collected but not saved, and the start of the next one. */
async function twoRuns(home: KeptHome, mounter: Mounter, view: readonly StoredLayer[]): Promise<void> {
  for (const work of [makeMess, () => undefined]) {
    const volume = await mounter.attach(attachRequest(home, { view, reach: 'setting' }), noAbort);
    work(volume);
    const changes = await collect(volume);
    // Like a save that fails later.
    for (const change of changes.changes) if (change.kind === 'file') changes.digest(change.path);
    await volume.release(noAbort);
  }
}

async function expectClean(home: KeptHome, view: readonly StoredLayer[]): Promise<void> {
  for (const session of await home.mounter.sessions(noAbort)) await home.mounter.discardSession(session, noAbort);
  const next = await attach(home, view);
  expect(show(next)).toBe('./d\n./d/a\n./d/b\n./d/c\na\nb\nc\n');
  expect(fs.statSync(`${dirOf(next)}/d/c`).mode & 0o777).toBe(0o644);
  expect(await changed(next)).toEqual([]);
  await next.release(noAbort);
}

describe.each(ways)('unsaved work, %s,', (_, fillOn) => {
  test('is undone even if a process dies at any operation', async () => {
    await using home = await createKeptHome(openCloneMounter);
    const view = [await layerOf(home, 'mkdir d; echo a > d/a; echo b > d/b; echo c > d/c')];
    const dyingAt = async (point: DeathPoint): Promise<DyingProcess> => {
      const life = dyingProcess(point);
      try {
        const files = life.wrap(home.files);
        await twoRuns(home, home.open(files, fillOn(files)), view);
      } catch (error) {
        if (!(error instanceof SimulatedCrash) && !((error as Error).cause instanceof SimulatedCrash)) throw error;
      }
      await expectClean(home, view);
      return life;
    };
    let deaths = 0;
    for (let operation = 1, done = false; !done; operation++) {
      const { isDead, operations } = await dyingAt({ operation, when: 'after' });
      if (isDead) deaths++;
      else done = true;
      if (operations[operation - 1]?.startsWith('write') === true) await dyingAt({ operation, when: 'during' });
    }
    expect(deaths).toBeGreaterThan(20);
  });

  test('is undone even if the disk was full at any operation', async () => {
    await using home = await createKeptHome(openCloneMounter);
    const view = [await layerOf(home, 'mkdir d; echo a > d/a; echo b > d/b; echo c > d/c')];
    for (let operation = 1, done = false; !done; operation++) {
      const failing = failingPort(home.files, { operation, code: 'ENOSPC' });
      try {
        await twoRuns(home, home.open(failing.port, fillOn(failing.port)), view);
        done = failing.operations < operation;
      } catch (error) {
        expect(error).toMatchObject({ code: 'E_DISK_FULL' });
      }
      await expectClean(home, view);
    }
  });
});

test.each(['the directory', 'all kept directories'])(
  'of a run, removed by others with %s, costs only the work of that run',
  async (what) => {
    await using home = await createKeptHome(openCloneMounter);
    const layer = await layerOf(home, 'echo good > good');
    const volume = await attach(home, [layer]);
    fs.rmSync(what === 'the directory' ? dirOf(volume) : `${home.dir}/kept`, { recursive: true });
    await expect(collect(volume)).rejects.toMatchObject({
      code: 'E_NOT_FOUND',
      message: `the directory of the volume is gone: something removed ${dirOf(volume)}`,
    });
    await volume.release(noAbort);
    const next = await attach(home, [layer]);
    expect(show(next)).toBe('./good\ngood\n');
    expect(await changed(next)).toEqual([]);
    await next.release(noAbort);
  },
);

import { isCachelaneError } from '@cachelane/core';
import { collectGarbage } from '@cachelane/engine';
import { SimulatedCrash, type DeathPoint } from '@cachelane/testkit';
import { expect } from 'vitest';
import {
  createCrashHome,
  immortal,
  everything,
  lookScript,
  namesIn,
  noAbort,
  npmEntry,
  pastGraceMs,
  readSeen,
  volumesOf,
  type CrashHome,
  type CrashProcess,
  type Hooks,
  type Seen,
} from './crash-home.fixture.ts';

/** Creates files of every kind. */
export const firstSave = `
  cd "$DATA"
  mkdir -p dir/deep shut remade
  echo one > dir/file; echo two > dir/deep/file; ln -s ../nowhere link
  echo old > replaced; echo gone > removed; echo a > remade/a; echo s > shut/file; chmod 500 shut
  ${npmEntry('first')}`;

/** Changes, removes, changes types, recreates a directory, and writes a delta in npm's index. */
export const secondSave = `
  cd "$DATA"
  echo new > dir/file; rm removed; rm -r remade; mkdir remade; echo b > remade/b
  rm replaced; mkdir replaced; echo x > replaced/x; rm -r dir/deep; echo d > dir/deep; chmod 700 shut; echo more > more
  ${npmEntry('second')}`;

export const rivalSave = `
  cd "$DATA"; echo rival > rival; ${npmEntry('rival')}`;

export interface Scenario {
  /** Prepares the home with processes that live. */
  readonly prepare: (home: CrashHome) => Promise<void>;
  /** The work of the process that dies. */
  readonly act: (process: CrashProcess, home: CrashHome) => Promise<unknown>;
  readonly hooks?: (home: CrashHome) => Hooks;
  /** The first operation to die at. Another test covers the operations before it. */
  readonly from?: string;
}

export async function save(home: CrashHome, script: string): Promise<void> {
  await using process = await home.open();
  const { volumes } = await process.run(script);
  expect(volumes.map(({ skipped }) => skipped)).toEqual([null, null]);
}

export async function look(home: CrashHome, more = ''): Promise<Seen> {
  await using process = await home.open();
  await process.run(lookScript(more));
  return readSeen(home);
}

export async function expectWhole(home: CrashHome): Promise<void> {
  await using process = await home.open();
  const { metadata, layers } = process.deps;
  for (const { head } of (await volumesOf(metadata)).values()) {
    for (const id of head?.layers ?? []) {
      expect(await layers.verify(id, noAbort)).toEqual({ key: id, ok: true, problems: [] });
      expect(await metadata.layer(id, noAbort)).toBeDefined();
    }
  }
}

/** After a start, a collection and the grace period: no file is left over, and none is missing. */
export async function expectClean(home: CrashHome): Promise<void> {
  home.clockOffsetMs += pastGraceMs;
  await using process = await home.open();
  const { metadata, layers, clock } = process.deps;
  await collectGarbage(process.deps, everything, noAbort);
  expect(await metadata.listSessions(noAbort)).toEqual([]);
  const referenced = await metadata.referencedLayers(clock.nowMs(), noAbort);
  const stored = (await layers.list(noAbort)).map(({ id }) => id);
  expect(stored.toSorted()).toEqual([...referenced].toSorted());
  for (const dir of ['sessions', 'staging', 'trash']) expect(namesIn(`${home.store}/${dir}`)).toEqual([]);
  expect(namesIn(home.dir)).not.toContain('mounts');
}

/** The allowed contents of each volume: before the act, and after it with concurrent changes. */
interface Expected {
  readonly data: readonly string[];
  readonly npm: readonly string[];
}

export async function dyingAct(home: CrashHome, scenario: Scenario, point: DeathPoint): Promise<CrashProcess['life']> {
  await using process = await home.open(point, scenario.hooks?.(home));
  const end = await scenario.act(process, home).catch((error: unknown) => error);
  if (point.operation === 0 || !process.life.isDead) {
    expect(end instanceof Error ? end : undefined).toBeUndefined();
  } else if (end instanceof Error) {
    expect(end instanceof SimulatedCrash || isCachelaneError(end), String(end)).toBe(true);
  }
  return process.life;
}

/** Operations that change nothing on disk. Dying after one leaves the same state as dying before it. */
const changingNothing: readonly string[] = [
  'listPolicies',
  'listSessions',
  'survivors',
  'revokedRuns',
  'head',
  'ownDirectories',
  'lookedAtMs',
  'collectionFacts',
  'syncDir',
  'setOwner',
];

/** Returns every state that a process can leave, starting at an operation. */
export function pointsOf(operations: readonly string[], from = operations[0]): readonly DeathPoint[] {
  const first = operations.indexOf(from ?? '');
  // Dying before an operation equals dying after the previous one.
  return operations.flatMap((name, i): readonly DeathPoint[] => {
    if (i < first) return [];
    return [
      ...(i === first ? [{ operation: i + 1, when: 'before' } as const] : []),
      ...(name.startsWith('write') ? [{ operation: i + 1, when: 'during' } as const] : []),
      ...(changingNothing.includes(name) ? [] : [{ operation: i + 1, when: 'after' } as const]),
    ];
  });
}

async function expectSurvived(home: CrashHome, expected: Expected): Promise<void> {
  await expectWhole(home);
  await using next = await home.open();
  const { volumes } = await next.run(lookScript('cd "$DATA"; echo next > next'));
  const seen = readSeen(home);
  expect(expected.data).toContain(seen.data);
  expect(expected.npm).toContain(seen.npm);
  expect(volumes).toMatchObject([
    { skipped: null, added: 1, changed: 0, removed: 0 },
    { skipped: null, layer: null },
  ]);
  // The start of the next process removed all sessions.
  expect(await next.deps.metadata.listSessions(noAbort)).toEqual([]);
  expect(namesIn(`${home.store}/sessions`)).toEqual([]);
  await expectClean(home);
  await expectWhole(home);
}

export async function enumerate(scenario: Scenario, atLeast: number): Promise<void> {
  using home = await createCrashHome();
  await scenario.prepare(home);
  const restore = home.snapshot();
  const old = await look(home);
  restore();
  const { operations } = await dyingAct(home, scenario, immortal);
  const done = await look(home);
  await expectClean(home);
  expect(await look(home)).toEqual(done);
  expect(operations.length).toBeGreaterThanOrEqual(atLeast);
  const hooks = scenario.hooks?.(home);
  const between = hooks === undefined ? [] : [await rivalAlone(home, restore, hooks)];
  const all = [old, ...between, done];
  const expected = { data: all.map(({ data }) => data), npm: all.map(({ npm }) => npm) };
  for (const point of pointsOf(operations, scenario.from)) {
    restore();
    const life = await dyingAct(home, scenario, point);
    expect(life.isDead).toBe(true);
    const where = `${point.when} operation ${point.operation}, ${operations[point.operation - 1] ?? ''}`;
    try {
      await expectSurvived(home, expected);
    } catch (error) {
      throw new Error(`a process that died ${where}`, { cause: error });
    }
  }
}

/** Returns the contents when only the rival of the dying process succeeds. */
async function rivalAlone(home: CrashHome, restore: () => void, hooks: Hooks): Promise<Seen> {
  restore();
  await hooks.beforeCommit?.();
  return await look(home);
}

/** Leaves one process that died after its command, and one that died between publishing and the move of the head. */
export async function leaveWreckage(home: CrashHome): Promise<void> {
  await save(home, firstSave);
  const undisturbed = home.snapshot();
  const { operations } = await dyingAct(
    home,
    { prepare: async () => {}, act: (process) => process.run(secondSave) },
    immortal,
  );
  undisturbed();
  for (const name of ['run', 'syncDir', 'commit']) {
    const operation = operations.indexOf(name) + 1;
    await using process = await home.open({ operation, when: name === 'commit' ? 'before' : 'after' });
    await process.run(secondSave).catch(() => undefined);
    expect(process.life.isDead).toBe(true);
  }
}

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { limits } from '@cachelane/core';
import { noise, requireCommands, type FaultProxy } from '@cachelane/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../robustness/store.fixture.ts';
import { missingOf, writeCommit, type VolumeDirs } from './commits.fixture.ts';
import { expectSoundHome, expectSoundRemote } from './expect-sound.fixture.ts';
import { startMachine, type MachineOrder } from './machine-order.fixture.ts';
import { openMachine } from './machine.fixture.ts';
import { scratchDir, startBucket, type ScratchDir, type TestBucket } from './places.fixture.ts';

// A run pulls and pushes more than 8 MiB. Its process is killed before and after calls of the remote until it succeeds.

const largeBytes = limits.resumableBytes + (1 << 20);
const large = { theirs: noise(largeBytes, 1), ours: noise(largeBytes, 2) };

interface Place {
  readonly address: string;
  /** An address without the killing proxy. */
  readonly direct: string;
  readonly env: Readonly<Record<string, string>>;
}

interface Death {
  /** The number of the remote call, from 1. */
  readonly call: number;
  readonly when: 'before' | 'after';
}

interface Life {
  readonly died: boolean;
  readonly saved: readonly string[];
}

/** Runs a machine that will be killed. */
type Dying = (order: MachineOrder, env: Place['env'], death: Death) => Promise<Life>;

async function listen(lines: AsyncIterable<string>): Promise<readonly string[]> {
  const saved: string[] = [];
  for await (const line of lines) if (line.startsWith('saved ')) saved.push(line.slice('saved '.length));
  return saved;
}

/** The process kills itself between the driver and the retries. Data counts as a call every 2 MiB. */
const byItself: Dying = async (order, env, { call, when }) => {
  const { child, lines } = startMachine({ ...order, dies: { call, when: `die-${when}` } }, env);
  return { saved: await listen(lines), died: child.signalCode === 'SIGKILL' };
};

/** The proxy kills it when a request arrives, before or after passing it to the server. */
function byProxy(proxy: FaultProxy): Dying {
  return async (order, env, { call, when }) => {
    const last = proxy.requests.length + call;
    const { child, lines } = startMachine(order, env);
    proxy.decide = ({ number }) => {
      if (number < last) return undefined;
      child.kill('SIGKILL');
      return number === last && when === 'after' ? 'lose-reply' : 'refuse';
    };
    const saved = await listen(lines);
    proxy.decide = () => undefined;
    return { saved, died: child.signalCode === 'SIGKILL' };
  };
}

/** Creates two homes: one has shared `theirs.0`, the other has an unsent `ours.0`. Both have a large file. */
async function makeHomes(dir: string, { direct: address, env }: Place): Promise<void> {
  await using other = await openMachine({ dir: join(dir, 'theirs'), address, env });
  const { volumes } = await other.run((dirs) => {
    writeCommit(dirs, 'theirs.0');
    writeFileSync(join(dirs.data, 'theirs.large'), large.theirs);
  }, 'wait');
  expect(volumes.map(({ sync }) => sync?.pushed)).toEqual(['sent', 'sent']);
  await using own = await openMachine({ dir: join(dir, 'ours'), address: `dir:${dir}/nowhere`, env });
  await own.run((dirs) => {
    writeCommit(dirs, 'ours.0');
    writeFileSync(join(dirs.data, 'ours.large'), large.ours);
  }, 'never');
}

function lacks(dirs: VolumeDirs, names: readonly string[]): readonly string[] {
  const isWhole = (name: 'theirs' | 'ours'): boolean => {
    const file = join(dirs.data, `${name}.large`);
    return existsSync(file) && readFileSync(file).equals(large[name]);
  };
  return [...missingOf(dirs, names), ...(['theirs', 'ours'] as const).filter((name) => !isWhole(name))];
}

/** Returns the size of interrupted downloads. */
function partialBytes(dir: string): number {
  const incoming = join(dir, 'store/incoming');
  if (!existsSync(incoming)) return 0;
  return readdirSync(incoming).reduce((sum, name) => sum + statSync(join(incoming, name)).size, 0);
}

interface Aftermath {
  readonly partial: number;
  /** How much of the volume with the large files the next run pulled. */
  readonly pulledBytes: number;
}

/** Remote and home are intact, the machine's next run succeeds, and a new machine finds everything that was ever saved. */
async function expectRecovery(dir: string, { direct: address, env }: Place, { saved }: Life): Promise<Aftermath> {
  const partial = partialBytes(join(dir, 'ours'));
  await using newcomer = await openMachine({ dir: join(dir, 'newcomer'), address, env });
  await expectSoundRemote(newcomer);
  await using machine = await openMachine({ dir: join(dir, 'ours'), address, env });
  await expectSoundHome(machine);
  const known = ['theirs.0', 'ours.0', ...saved];
  const lost: string[] = [];
  const { volumes } = await machine.run((dirs) => {
    lost.push(...lacks(dirs, known));
    // The process died before it could report. The commit may be complete or not.
    if (missingOf(dirs, ['ours.1']).length === 0) known.push('ours.1');
  }, 'wait');
  expect(volumes.map(({ sync }) => sync?.pushed)).not.toContain('later');
  await newcomer.run((dirs) => lost.push(...lacks(dirs, known)), 'never');
  expect([...machine.warnings, ...newcomer.warnings, ...lost]).toEqual([]);
  return { partial, pulledBytes: volumes.find(({ name }) => name === 'data')?.sync?.pulledBytes ?? 0 };
}

interface Deaths {
  readonly scratch: ScratchDir;
  /** Prepares a directory with the homes and their remote, before any kill. */
  readonly prepare: (name: string) => Promise<Prepared>;
  readonly die: Dying;
  /** Null: no kill at this call. */
  readonly moment: (call: number) => Death['when'] | null;
}

interface Prepared {
  readonly dir: string;
  readonly place: Place;
}

/** Kills a run at one call after the other, until a run succeeds. */
async function dieEverywhere({ scratch, prepare, die, moment }: Deaths): Promise<readonly Aftermath[]> {
  const ends: Aftermath[] = [];
  for (let call = 1; ; call++) {
    const when = moment(call);
    if (when === null) continue;
    const { dir, place } = await prepare(`${when}-${call}`);
    const order = {
      dir: join(dir, 'ours'),
      address: place.address,
      name: 'ours',
      from: 1,
      to: 2,
      faults: null,
      dies: null,
    };
    const life = await die(order, place.env, { call, when });
    ends.push(await expectRecovery(dir, place, life));
    scratch.remove(basename(dir));
    if (!life.died) return ends;
  }
}

/** Alternates before and after at every second call, with an even number done. The engine's simulation covers both at each call. */
const atEven = (call: number): Death['when'] | null => {
  if (call % 4 === 1) return 'before';
  return call % 4 === 2 ? 'after' : null;
};

/** Like {@link atEven}, with an odd number done. */
const atOdd = (call: number): Death['when'] | null => {
  if (call % 4 === 1) return 'after';
  return call % 4 === 0 ? 'before' : null;
};

describe('killed before or after every second call of a directory', () => {
  test('a run leaves remote and home intact, and the next run continues its work', async () => {
    using scratch = scratchDir();
    // The same path each time, because the homes are copied from prepared ones.
    const [dir, kept] = [join(scratch.path, 'machines'), join(scratch.path, 'kept')];
    const address = `dir:${dir}/shared`;
    const place: Place = { address, direct: address, env: {} };
    mkdirSync(join(dir, 'shared'), { recursive: true });
    await makeHomes(dir, place);
    execFileSync('cp', ['-a', dir, kept]);
    const prepare = async (): Promise<Prepared> => {
      scratch.remove('machines');
      execFileSync('cp', ['-a', kept, dir]);
      return await Promise.resolve({ dir, place });
    };
    const ends = await dieEverywhere({ scratch, prepare, die: byItself, moment: atEven });
    expect(ends.length).toBeGreaterThan(10);
    const resumed = ends.filter(({ partial }) => partial > 0);
    expect(resumed.length).toBeGreaterThan(0);
    for (const { partial, pulledBytes } of resumed) expect(pulledBytes).toBeLessThan(largeBytes + 10_000 - partial);
  });
});

requireCommands(
  'ceph-mon',
  'ceph-osd',
  'ceph',
  'radosgw',
)('of a bucket', () => {
  let bucket: TestBucket;
  beforeAll(async () => {
    bucket = await startBucket();
  });
  afterAll(async () => await bucket[Symbol.asyncDispose]());

  const placeAt = (name: string): Place => ({
    address: bucket.address(name),
    direct: bucket.directAddress(name),
    env: bucket.env,
  });

  test('killed before or after every second request, a run leaves remote and home intact', async () => {
    using scratch = scratchDir();
    const prepare = async (name: string): Promise<Prepared> => {
      const [dir, place] = [join(scratch.path, name), placeAt(name)];
      await makeHomes(dir, place);
      return { dir, place };
    };
    const ends = await dieEverywhere({ scratch, prepare, die: byProxy(bucket.proxy), moment: atOdd });
    expect(ends.length).toBeGreaterThan(10);
  });

  test('after a kill in the middle of a download, the next run fetches only the rest', async () => {
    using scratch = scratchDir();
    const place = placeAt('download');
    await makeHomes(scratch.path, place);
    const dir = join(scratch.path, 'ours');
    bucket.proxy.decide = ({ path }) => (path.includes('/data/') ? 'stall-reply' : undefined);
    const order = { dir, address: place.address, name: 'ours', from: 1, to: 2, faults: null, dies: null };
    const { child, lines } = startMachine(order, place.env);
    const saved = listen(lines);
    await until(() => partialBytes(dir) >= largeBytes / 2 - 1_000_000);
    child.kill('SIGKILL');
    const life = { saved: await saved, died: true };
    bucket.proxy.decide = () => undefined;
    const { partial, pulledBytes } = await expectRecovery(scratch.path, place, life);
    expect(life.saved).toEqual([]);
    expect(pulledBytes).toBeLessThan(largeBytes + 10_000 - partial);
    expect(pulledBytes).toBeGreaterThan(largeBytes / 4);
  });
});

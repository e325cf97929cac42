import type { SyncReport } from '@cachelane/core';
import { expect } from 'vitest';
import { openWorld, type Finished, type FinishedRun, type World } from './cli.fixture.ts';

/** A secret that no output may contain. */
export const secretKey = 'neverToBeSeenNeverToBeSeenNeverToBeSeen1';

export type Env = Readonly<Record<string, string>>;

export const volume = ['-n', 'acme/web', '-v', 'npm'];
const exitCode = 3;

/** Returns a command that adds a file to the volume, runs `more`, and fails like a test suite. */
export const adds = (name: string, more = 'true'): readonly string[] => [
  'sh',
  '-c',
  `echo ${name} > ~/.npm/${name}; ${more}; exit ${exitCode}`,
];

export function warningsOf({ stderr }: Finished): readonly string[] {
  return stderr.split('\n').filter((line) => line.includes('warning'));
}

export interface Troubled {
  readonly run: FinishedRun;
  readonly sync: SyncReport | null;
  /** The warnings without their common prefix. */
  readonly warnings: readonly string[];
}

export interface TroubledRun {
  readonly name: string;
  readonly env: Env;
  /** Added to the command. */
  readonly more?: string;
  /** The number of files. Default: one. */
  readonly added?: number;
  readonly options?: readonly string[];
}

/** Runs with `--push wait`. Whatever the remote does, the exit code is the command's, its changes are saved, and no secret is shown. */
export async function runWith(
  world: World,
  { name, env, more, added = 1, options = [] }: TroubledRun,
): Promise<Troubled> {
  const run = await world.run(adds(name, more), { options: [...volume, '--push', 'wait', ...options], env });
  expect(run.code, run.stderr).toBe(exitCode);
  expect(run.volume('npm'), run.stderr).toMatchObject({ added, skipped: null });
  expect(`${run.stdout}${run.stderr}${JSON.stringify(run.report)}`).not.toContain(secretKey);
  return { run, sync: run.volume('npm').sync, warnings: warningsOf(run) };
}

export const atStart = /^cachelane: warning: the run continues with local contents: /;
export const atEnd = /^cachelane: warning: kept here; the next run sends it: /;

export interface Reason {
  readonly why: RegExp;
  /** Matches the advice in the message. */
  readonly mend?: RegExp;
}

/** Everything is saved here and nothing is sent. A warning at each of these ends names the remote and the reason. */
export function expectKept({ warnings, sync, run }: Troubled, ends: readonly RegExp[], { why, mend }: Reason): void {
  expect(warnings, run.stderr).toHaveLength(ends.length);
  for (const [index, end] of ends.entries()) {
    expect(warnings[index]).toMatch(end);
    expect(warnings[index]).toMatch(why);
    if (mend !== undefined) expect(warnings[index]).toMatch(mend);
  }
  expect(sync).toMatchObject({ pushed: 'later', pushedLayers: 0 });
  expect(sync?.why).toMatch(why);
}

/** After the repair, a run without changes sends everything pending, and another machine finds it. */
export async function expectSent(world: World, env: Env, names: readonly string[]): Promise<void> {
  const next = await world.run(['true'], { options: [...volume, '--push', 'wait'], env });
  expect([next.code, warningsOf(next)], next.stderr).toEqual([0, []]);
  expect(next.volume('npm').sync).toMatchObject({ pushed: 'sent', why: null });
  await expectSeen(env, names);
}

/** Like `expectSent`, with `push` instead of a run. */
export async function expectPushed(world: World, env: Env, names: readonly string[]): Promise<void> {
  const pushed = await world.cachelane(['push'], { env });
  expect([pushed.code, pushed.stdout], pushed.stderr).toEqual([0, expect.stringMatching(/: sent \d+ layers?, /)]);
  await expectSeen(env, names);
}

export async function expectSeen(env: Env, names: readonly string[]): Promise<void> {
  using other = openWorld();
  const found = await other.run(['sh', '-c', 'ls ~/.npm'], { options: [...volume, '--push', 'never'], env });
  expect([found.code, warningsOf(found)], found.stderr).toEqual([0, []]);
  expect(found.stdout.split('\n').filter((line) => line !== '')).toEqual(names.toSorted());
}

/** Checks the store without the remote. */
export async function expectHere(world: World, names: readonly string[]): Promise<void> {
  const here = await world.run(['sh', '-c', 'ls ~/.npm'], { options: [...volume, '--no-remote'] });
  expect(here.stdout.split('\n').filter((line) => line !== '')).toEqual(names.toSorted());
}

export interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export const noKeys: Keys = { accessKeyId: 'nobody', secretAccessKey: secretKey };

/** Returns the environment for a bucket. A run waits two seconds at each end. */
export function envOf(endpoint: string, { accessKeyId, secretAccessKey }: Keys = noKeys, place = 'team-cache/a'): Env {
  return {
    CACHELANE_REMOTE: `s3://${place}?endpoint=${endpoint}`,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_EC2_METADATA_DISABLED: 'true',
    CACHELANE_REMOTE_TIMEOUT: '2',
  };
}

/** Checks a broken environment, then that a repaired one sends everything. */
export async function expectOver(env: Env, reason: Reason, mended: () => Promise<Env>): Promise<void> {
  using world = openWorld();
  expectKept(await runWith(world, { name: 'a', env }), [atStart, atEnd], reason);
  expectKept(await runWith(world, { name: 'b', env }), [atStart, atEnd], reason);
  await expectSent(world, await mended(), ['a', 'b']);
}

import type { SyncReport } from '@cachelane/core';
import { expect } from 'vitest';
import { openWorld, type Finished, type FinishedRun, type World } from './cli.fixture.ts';

/** What nobody may see, wherever it was said. */
export const secretKey = 'neverToBeSeenNeverToBeSeenNeverToBeSeen1';

export type Env = Readonly<Record<string, string>>;

export const volume = ['-n', 'acme/web', '-v', 'npm'];
const exitCode = 3;

/** A command that adds a file to the volume, does whatever else, and fails, as tests do. */
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
  /** Without what they have in common. */
  readonly warnings: readonly string[];
}

export interface TroubledRun {
  readonly name: string;
  readonly env: Env;
  /** Of the command. */
  readonly more?: string;
  /** Files, one when left out. */
  readonly added?: number;
  readonly options?: readonly string[];
}

/** A run that waits for its remote: whatever that does, the command's code is that of the run, its changes are saved, and nothing that is secret is shown. */
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
  /** What can be done about it. */
  readonly mend?: RegExp;
}

/** Everything is saved here and nothing sent, with a line of warning at each of these ends that names the remote and says why. */
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

/** The trouble is over: without anything to save the next run sends all that waited, and another machine finds it. */
export async function expectSent(world: World, env: Env, names: readonly string[]): Promise<void> {
  const next = await world.run(['true'], { options: [...volume, '--push', 'wait'], env });
  expect([next.code, warningsOf(next)], next.stderr).toEqual([0, []]);
  expect(next.volume('npm').sync).toMatchObject({ pushed: 'sent', why: null });
  await expectSeen(env, names);
}

/** The same without a run. */
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

/** What the store holds, whatever became of the remote. */
export async function expectHere(world: World, names: readonly string[]): Promise<void> {
  const here = await world.run(['sh', '-c', 'ls ~/.npm'], { options: [...volume, '--no-remote'] });
  expect(here.stdout.split('\n').filter((line) => line !== '')).toEqual(names.toSorted());
}

export interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export const noKeys: Keys = { accessKeyId: 'nobody', secretAccessKey: secretKey };

/** What a run needs to know of a bucket; it waits two seconds at each end. */
export function envOf(endpoint: string, { accessKeyId, secretAccessKey }: Keys = noKeys, place = 'team-cache/a'): Env {
  return {
    CACHELANE_REMOTE: `s3://${place}?endpoint=${endpoint}`,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_EC2_METADATA_DISABLED: 'true',
    CACHELANE_REMOTE_TIMEOUT: '2',
  };
}

/** What was wrong with an environment is mended by another one. */
export async function expectOver(env: Env, reason: Reason, mended: () => Promise<Env>): Promise<void> {
  using world = openWorld();
  expectKept(await runWith(world, { name: 'a', env }), [atStart, atEnd], reason);
  expectKept(await runWith(world, { name: 'b', env }), [atStart, atEnd], reason);
  await expectSent(world, await mended(), ['a', 'b']);
}

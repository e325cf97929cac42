import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { World } from '../cli.fixture.ts';

/** Calls the CLI in a changed surrounding. */
export type Call = (
  argv: readonly string[],
) => Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;

export interface Troubled {
  readonly world: World;
  /** Matches the warning, and the error of `--strict`. */
  readonly why: RegExp;
  /** Matches the message of `doctor`. Default: `why`. Null: `doctor` has no finding. */
  readonly doctor?: RegExp | null;
  readonly call?: Call;
}

/**
 * Expects a run without a cache: the command runs once with its own exit code, and a warning gives the reason. `--strict`
 * exits with 125 and runs nothing. `doctor` names the problem.
 */
export async function expectBare({ world, why, doctor = why, ...how }: Troubled): Promise<void> {
  const call: Call = how.call ?? (async (argv) => await world.cachelane(argv));
  const count = join(world.dir, 'count');
  world.write({ count: '' });
  const run = ['run', '-v', 'data:data'];
  const command = ['--', 'sh', '-c', `mkdir -p data; echo ran >> ${count}; exit 7`];
  const bare = await call([...run, ...command]);
  expect({ ...bare, code: bare.code }).toMatchObject({ code: 7, stdout: '' });
  expect(readFileSync(count, 'utf8')).toBe('ran\n');
  expect(bare.stderr).toMatch(why);
  expect(bare.stderr.match(/warning: /g)).toHaveLength(1);

  const strict = await call([...run, '--strict', ...command]);
  expect([strict.code, strict.stderr]).toEqual([125, expect.stringMatching(why)]);
  expect(readFileSync(count, 'utf8')).toBe('ran\n');

  if (doctor === null) return;
  const { code, stdout } = await call(['doctor']);
  expect([code, stdout]).toEqual([1, expect.stringMatching(doctor)]);
}

/**
 * Expects a run where mounts are impossible: it has its own directory, gives the reason in one line, and is warm the second
 * time, also with `--strict`. `doctor` warns and does not fail.
 */
export async function expectCloned({ world, why, doctor = why, ...how }: Troubled): Promise<void> {
  const call: Call = how.call ?? (async (argv) => await world.cachelane(argv));
  const command = ['--', 'sh', '-c', 'cat data/f; echo kept > data/f; exit 0'];
  const cold = await call(['run', '--verbose', '-v', 'data:data', ...command]);
  expect(cold.code).toBe(0);
  expect(cold.stderr).toMatch(why);
  expect(cold.stderr).toContain('; clone: volumes cannot be mounted here');
  expect(cold.stderr).not.toContain('warning: ');
  const warm = await call(['run', '--strict', '-v', 'data:data', ...command]);
  expect([warm.code, warm.stdout]).toEqual([0, 'kept\n']);

  if (doctor === null) return;
  const { code, stdout } = await call(['doctor']);
  expect([code, stdout]).toEqual([0, expect.stringMatching(doctor)]);
}

import type { FinishedRun, World } from '../cli.fixture.ts';

export interface Job {
  readonly cwd: string;
  readonly argv: readonly string[];
  /** Options before the `--`, for example `['-v', 'pnpm']`. */
  readonly options: readonly string[];
}

/** Runs all jobs. Each has its view before any command starts. */
export async function atOnce(world: World, jobs: readonly Job[]): Promise<readonly FinishedRun[]> {
  const started = [];
  for (const { cwd, argv, options } of jobs) {
    const run = world.startRun(['sh', '-ec', 'echo ready; read line; exec "$@"', 'sh', ...argv], {
      cwd,
      options,
      input: null,
    });
    await run.said('ready');
    started.push(run);
  }
  for (const { child } of started) child.stdin?.end('go\n');
  return await Promise.all(started.map(async ({ finished }) => await finished));
}

/** The report of a run that changed nothing. */
export const savedNothing = { added: 0, changed: 0, removed: 0, layer: null, conflicts: [], skipped: null };

import { spawnSync } from 'node:child_process';

/** How to start a program. */
export interface ProgramPlace {
  /** Version managers choose by working directory. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface ProgramQuestion extends ProgramPlace {
  readonly name: string;
}

/** A program that takes longer gives no version, so that the run can continue. */
const answerMs = 5000;

/** Returns the version that `NAME --version` prints, `0.12.0`; undefined if there is none. */
export function programVersion({ name, cwd, env }: ProgramQuestion): string | undefined {
  if (!env['PATH']) return undefined;
  const { status, stdout } = spawnSync(name, ['--version'], {
    cwd,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: answerMs,
    killSignal: 'SIGKILL',
    maxBuffer: 65_536,
  });
  if (status !== 0) return undefined;
  return /\b\d{1,9}(?:\.\d{1,9})+(?:[-+.][0-9A-Za-z]{1,20}){0,4}/.exec(stdout)?.[0];
}

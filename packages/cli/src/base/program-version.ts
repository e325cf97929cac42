import { spawnSync } from 'node:child_process';

/** How a program is started. */
export interface ProgramPlace {
  /** Version managers choose by the directory that they are called in. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface ProgramQuestion extends ProgramPlace {
  readonly name: string;
}

/** A program that takes longer for its version than this is not waited for: the run goes on, and shares with those that do not know either. */
const answerMs = 5000;

/** What `NAME --version` says, `0.12.0`; undefined where there is no such program, or it says none. */
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

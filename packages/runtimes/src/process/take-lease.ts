import { spawnSync } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { leaseHeld, leaseHeldCode, leaseOptions } from '../chain/chain.ts';
import { startChild, type StartOptions } from '../system/child.ts';

/** Held as long as anybody has the descriptor: we, until it is disposed of, and whoever inherits it. */
export interface TakenLease extends Disposable {
  readonly fd: number;
}

/**
 * Takes the lease before there is a command, on a descriptor that the command then inherits. Put in front of the command, flock
 * would take its exit codes from the same 256 numbers, and nobody could tell whether the command has run.
 */
export async function takeLease(flock: string, leaseFile: string): Promise<TakenLease | { readonly reason: string }> {
  let fd: number;
  try {
    fd = openSync(leaseFile, constants.O_RDONLY | constants.O_CREAT, 0o600);
  } catch (error) {
    return { reason: `${leaseFile} cannot be opened (${String((error as NodeJS.ErrnoException).code)})` };
  }
  const reason = await lock(flock, fd);
  if (reason === null) return { fd, [Symbol.dispose]: () => closeSync(fd) };
  closeSync(fd);
  return { reason };
}

/** Null: done. */
async function lock(flock: string, fd: number): Promise<string | null> {
  const options: StartOptions = { cwd: '/', env: {}, stdio: ['ignore', 'ignore', 'ignore', fd] };
  // Nearly always that is all. A child that is waited for on the spot is there a millisecond sooner.
  const { status } = spawnSync(flock, ['--exclusive', '--nonblock', '3'], { ...options, stdio: [...options.stdio] });
  if (status === 0) return null;
  const waiting = await startChild([flock, ...leaseOptions, '3'], options);
  if ('error' in waiting) return `flock could not be started (${String(waiting.error.code)})`;
  const { code, signal } = await waiting.end();
  if (code === 0) return null;
  return code === leaseHeldCode ? leaseHeld : `flock failed (${signal ?? `exit code ${String(code)}`})`;
}

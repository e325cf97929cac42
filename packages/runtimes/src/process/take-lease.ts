import { spawnSync } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { leaseHeld, leaseHeldCode, leaseOptions } from '../chain/chain.ts';
import { startChild, type StartOptions } from '../system/child.ts';

/** A lease, held until this process disposes of it and all heirs of the descriptor end. */
export interface TakenLease extends Disposable {
  readonly fd: number;
}

/** Takes the lease on a descriptor that the command inherits. With flock before the command, an exit code would not tell whether the command ran. */
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

/** Returns null on success. */
async function lock(flock: string, fd: number): Promise<string | null> {
  const options: StartOptions = { cwd: '/', env: {}, stdio: ['ignore', 'ignore', 'ignore', fd] };
  // Usually succeeds. A synchronous child is a millisecond faster.
  const { status } = spawnSync(flock, ['--exclusive', '--nonblock', '3'], { ...options, stdio: [...options.stdio] });
  if (status === 0) return null;
  const waiting = await startChild([flock, ...leaseOptions, '3'], options);
  if ('error' in waiting) return `flock could not be started (${String(waiting.error.code)})`;
  const { code, signal } = await waiting.end();
  if (code === 0) return null;
  return code === leaseHeldCode ? leaseHeld : `flock failed (${signal ?? `exit code ${String(code)}`})`;
}

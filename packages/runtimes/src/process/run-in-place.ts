import { existsSync } from 'node:fs';
import { invariant, type CommandOutcome, type RunRequest } from '@cachelane/core';
import { placeOfLease, placeVariable } from '../system/lease-place.ts';
import { exitedWith, notStarted } from '../system/outcomes.ts';
import { runAsChild, type RunOptions } from './run-bare.ts';
import { tell } from './run-mounted.ts';
import { exitCodeOfSignal, openSignalDesk } from '../signals/signal-desk.ts';
import { takeLease } from './take-lease.ts';
import { findTool } from '../chain/tools.ts';

/**
 * Runs the command as a child that uses its volumes in place and inherits the lease. Without flock (not on Linux) there is no lease, and
 * processes that outlive the command stay unknown.
 */
export async function runInPlace(request: RunRequest, options: RunOptions): Promise<CommandOutcome> {
  const { leaseFile } = request;
  invariant(leaseFile !== null, 'a command with volumes has a lease');
  if (!existsSync(request.cwd)) return notStarted(`the directory ${request.cwd} does not exist`);
  for (const mount of request.mounts) {
    if (mount.kind === 'directory' && !existsSync(mount.path)) return notStarted(`${mount.path} does not exist`);
  }
  const flock = findTool(options.path, 'flock');
  using desk = openSignalDesk(options.ignored);
  const taken = flock === undefined ? null : await takeLease(flock, leaseFile);
  if (taken !== null && 'reason' in taken) {
    // An interrupt during the wait must not start the command in another way.
    const received = await desk.received();
    return received === null ? notStarted(taken.reason) : exitedWith(exitCodeOfSignal(received), received);
  }
  using lease = taken;
  const env = { ...request.env, [placeVariable(leaseFile)]: '1' };
  return await runAsChild({ ...request, env }, options, {
    desk,
    inherits: lease === null ? [] : [lease.fd],
    onStart: () => tell(() => request.onPlace?.(placeOfLease(leaseFile))),
  });
}

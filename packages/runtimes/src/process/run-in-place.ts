import { existsSync } from 'node:fs';
import { invariant, type CommandOutcome, type RunRequest } from '@cachelane/core';
import { envCommand, leaseArguments, leaseHeld, leaseHeldCode } from './chain.ts';
import { startChild } from './child.ts';
import { placeOfLease, placeVariable } from './lease-place.ts';
import { exitedWith, notStarted } from './outcomes.ts';
import type { RunOptions } from './run-bare.ts';
import { exitCodeOfSignal, openSignalDesk } from './signal-desk.ts';
import { childReceiver } from './signal-receivers.ts';
import { findLeaseTools } from './tools.ts';

/**
 * The command as our own child, its volumes in directories that it finds by itself: `flock` (take the lease) → `env` → the
 * command, each replaced by the next. Without flock (not on Linux) there is no lease, and nobody knows what outlives us.
 */
export async function runInPlace(request: RunRequest, options: RunOptions): Promise<CommandOutcome> {
  const { leaseFile } = request;
  invariant(leaseFile !== null, 'a command with volumes has a lease');
  if (!existsSync(request.cwd)) return notStarted(`the folder ${request.cwd} does not exist`);
  for (const mount of request.mounts) {
    if (mount.kind === 'directory' && !existsSync(mount.path)) return notStarted(`${mount.path} does not exist`);
  }
  const tools = findLeaseTools(options.path);
  const lease = tools === null ? [] : leaseArguments(tools, leaseFile);
  const { ignored } = options;
  const argv = tools === null ? request.argv : envCommand(tools, { argv: request.argv, ignored, set: {}, unset: [] });
  const env = { ...request.env, [placeVariable(leaseFile)]: '1' };
  using desk = openSignalDesk(ignored);
  const receiver = childReceiver();
  await desk.caughtUp();
  const child = await startChild([...lease, ...argv], { cwd: request.cwd, env, stdio: options.stdio });
  if ('error' in child) {
    const { code } = child.error;
    return code === 'ENOENT' ? exitedWith(127, null) : notStarted(`the command could not be started (${code})`);
  }
  desk.connect(receiver(child.pid));
  request.onPlace?.(placeOfLease(leaseFile));
  const { code, signal } = await child.end();
  if (code === leaseHeldCode && tools !== null) {
    return desk.received === null ? notStarted(leaseHeld) : exitedWith(exitCodeOfSignal(desk.received), desk.received);
  }
  return exitedWith(signal === null ? (code ?? 0) : exitCodeOfSignal(signal), desk.received);
}

import { spawn } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { CachelaneError, type CommandOutcome, type OverlayMount, type RunRequest } from '@cachelane/core';
import { type Chain, type ChainOptions, commandChain, leaseHeldCode } from './chain.ts';
import { ended } from './ended.ts';
import type { RunOptions } from './run-bare.ts';
import { exitCodeOfSignal, openSignalDesk, saysSignal } from './signal-desk.ts';
import { monitoredReceiver } from './signal-receivers.ts';
import { openStatusFile, type StatusFile } from './status-file.ts';
import { placeOf } from './survivors.ts';
import { findTools } from './tools.ts';
import { whyNotStarted } from './why-not-started.ts';

const notStarted = (reason: string): CommandOutcome => ({ kind: 'not-started', reason });

/** The command in a mount namespace of its own, with the overlays in place. */
export async function runMounted(request: RunRequest, options: RunOptions): Promise<CommandOutcome> {
  const prepared = prepare(request, options);
  if ('reason' in prepared) return notStarted(prepared.reason);
  const { chain, plan, status: statusFile } = prepared;
  using status = statusFile;
  using desk = openSignalDesk(options.ignored);
  const child = spawn(chain.file, chain.args, {
    // The command's folder may exist only in a volume; bubblewrap goes there.
    cwd: '/',
    env: chain.env,
    stdio: [...options.stdio, status.fd],
  });
  if (child.pid === undefined) {
    const { error } = await ended(child);
    return notStarted(`the command could not be started (${error?.code ?? 'no process'})`);
  }
  desk.connect(monitoredReceiver(child.pid, () => status.read().childPid));
  const placeError = tell(() => request.onPlace?.(placeOf(plan.marker)));
  const { code, signal } = await ended(child);
  if (placeError !== null) throw placeError;
  const exitCode = status.read().exitCode ?? (signal === null ? null : exitCodeOfSignal(signal));
  if (exitCode !== null) {
    return {
      kind: 'exited',
      exitCode,
      // Without a line of its exit code the monitor was killed: the command may even live on.
      interrupted: saysSignal(exitCode) || desk.received !== null,
      receivedSignal: desk.received,
    };
  }
  if (code === leaseHeldCode) return notStarted('the lease of this session is held by another process');
  return notStarted(await whyNotStarted(plan));
}

/** The command runs by now and is waited for, whatever the caller's code does. */
function tell(call: () => void): CachelaneError | null {
  try {
    call();
    return null;
  } catch (error) {
    return new CachelaneError('E_INTERNAL', 'onPlace failed', { cause: error });
  }
}

interface Prepared {
  readonly plan: ChainOptions;
  readonly chain: Chain;
  readonly status: StatusFile;
}

function prepare(request: RunRequest, options: RunOptions): Prepared | { readonly reason: string } {
  const found = findTools(options.path);
  if ('missing' in found) return { reason: `not installed: ${found.missing.join(', ')}` };
  const resolved = resolveMounts(request.mounts);
  if ('reason' in resolved) return resolved;
  const plan = { ...resolved, tools: found.tools, request, ignored: options.ignored };
  const chain = commandChain(plan);
  if (chain === null) return { reason: 'the command has more arguments than bubblewrap takes (9000)' };
  try {
    return { plan, chain, status: openStatusFile(`${plan.marker}.status`) };
  } catch (error) {
    return { reason: `the session's folder cannot be written to (${String((error as NodeJS.ErrnoException).code)})` };
  }
}

/**
 * bubblewrap does not mount onto symbolic links (older ones follow them from the wrong root), so targets are resolved
 * here. Outer targets are mounted before those inside them.
 */
function resolveMounts(
  mounts: RunRequest['mounts'],
): { readonly mounts: readonly OverlayMount[]; readonly marker: string } | { readonly reason: string } {
  const resolved: OverlayMount[] = [];
  let marker: string | undefined;
  for (const mount of mounts) {
    try {
      resolved.push({ ...mount, target: realpathSync(mount.target) });
      marker ??= realpathSync(mount.upperDir);
    } catch (error) {
      const { code, path } = error as NodeJS.ErrnoException;
      return { reason: `${path ?? mount.target} cannot be used (${code ?? String(error)})` };
    }
  }
  if (marker === undefined) return { reason: 'nothing to mount' };
  resolved.sort((one, other) => (one.target < other.target ? -1 : 1));
  const twice = resolved.find((mount, index) => mount.target === resolved[index + 1]?.target);
  if (twice !== undefined) return { reason: `two volumes have the same target ${twice.target}` };
  return { mounts: resolved, marker };
}

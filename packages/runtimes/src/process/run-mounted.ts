import { realpathSync } from 'node:fs';
import { CachelaneError, type CommandOutcome, type Mount, type RunRequest } from '@cachelane/core';
import {
  type Chain,
  type ChainOptions,
  commandChain,
  type ImageMounts,
  leaseHeld,
  leaseHeldCode,
} from '../chain/chain.ts';
import { openInputs } from '../chain/chain-inputs.ts';
import { startChild } from '../system/child.ts';
import { findImageTools, imagesOf } from '../chain/image-stage.ts';
import { imageMend, installMend, userImagesMend } from '../system/mends.ts';
import { exitedWith, notStarted } from '../system/outcomes.ts';
import type { RunOptions } from './run-bare.ts';
import { exitCodeOfSignal, openSignalDesk } from '../signals/signal-desk.ts';
import { monitoredReceiver } from '../signals/signal-receivers.ts';
import { copySshConfig } from '../system/ssh-config.ts';
import { openStatusFile, type StatusFile } from '../system/status-file.ts';
import { placeOf } from '../signals/survivors.ts';
import { findTools } from '../chain/tools.ts';
import { whyNotStarted } from './why-not-started.ts';

/** Runs the command in its own mount namespace with its volumes. */
export async function runMounted(request: RunRequest, options: RunOptions): Promise<CommandOutcome> {
  const prepared = prepare(request, options);
  if ('reason' in prepared) return notStarted(prepared.reason, prepared.mend);
  const { chain, plan, dataFds, status, resources } = prepared;
  using _resources = resources;
  using desk = openSignalDesk(options.ignored);
  const child = await startChild([chain.file, ...chain.args], {
    // The command's directory may exist only in a volume; bubblewrap changes to it.
    cwd: '/',
    env: chain.env,
    stdio: [...options.stdio, status.fd, ...dataFds],
  });
  if ('error' in child) return notStarted(`the command could not be started (${child.error.code})`);
  desk.connect(monitoredReceiver(child.pid, () => status.read().childPid));
  const placeError = tell(() => request.onPlace?.(placeOf(plan.marker)));
  const { code, signal } = await child.end();
  const received = await desk.received();
  if (placeError !== null) throw placeError;
  const { exitCode } = status.read();
  if (exitCode !== null) return exitedWith(exitCode, received);
  // The monitor was killed, with or without a command.
  if (signal !== null) return exitedWith(exitCodeOfSignal(signal), received);
  const reason = code === leaseHeldCode ? leaseHeld : await whyNotStarted(plan);
  // An interrupt during the start must not start the command in another way.
  return received === null
    ? notStarted(reason, imageMend(reason, plan.images?.images ?? []))
    : exitedWith(exitCodeOfSignal(received), received);
}

/** Calls `call` and returns its error: the command already runs and must be waited for. */
export function tell(call: () => void): CachelaneError | null {
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
  /** Descriptors after the status descriptor, for the chain's inputs and `plan.copies`. */
  readonly dataFds: readonly number[];
  readonly status: StatusFile;
  readonly resources: Disposable;
}

function prepare(
  request: RunRequest,
  options: RunOptions,
): Prepared | { readonly reason: string; readonly mend?: string } {
  const found = findTools(options.path);
  if ('missing' in found) return { reason: `not installed: ${found.missing.join(', ')}`, mend: installMend };
  const resolved = resolveMounts(request);
  if ('reason' in resolved) return resolved;
  const images = imageMounts(resolved.mounts);
  if (images !== null && 'reason' in images) return images;
  using resources = new DisposableStack();
  const copies = resources.use(copySshConfig(process.getuid?.() ?? null)).files;
  const plan = { ...resolved, tools: found.tools, request, ignored: options.ignored, images, copies };
  const chain = commandChain(plan);
  if (chain === null) return { reason: 'the command has more arguments than bubblewrap takes (9000)' };
  try {
    const status = resources.use(openStatusFile(`${resolved.marker}.status`));
    const { fds } = resources.use(openInputs(chain, plan));
    return { plan, chain, dataFds: fds, status, resources: resources.move() };
  } catch (error) {
    return {
      reason: `the session's directory cannot be written to (${String((error as NodeJS.ErrnoException).code)})`,
    };
  }
}

/** bubblewrap cannot mount images, and only root may. */
function imageMounts(
  mounts: readonly Mount[],
): ImageMounts | null | { readonly reason: string; readonly mend: string } {
  const images = imagesOf(mounts);
  if (images.length === 0) return null;
  if (process.geteuid?.() !== 0) {
    return { reason: 'ordinary users cannot mount the images of layers', mend: userImagesMend };
  }
  const found = findImageTools();
  if ('missing' in found) return { reason: `not installed: ${found.missing.join(', ')}`, mend: installMend };
  return { tools: found.tools, images };
}

/**
 * Resolves targets, since bubblewrap cannot mount onto symbolic links (older versions follow them from the wrong root), and sorts outer
 * targets first.
 */
export function resolveMounts({
  mounts,
  leaseFile,
}: Pick<RunRequest, 'mounts' | 'leaseFile'>):
  | { readonly mounts: readonly Mount[]; readonly marker: string }
  | { readonly reason: string } {
  const resolved: Mount[] = [];
  let marker: string | undefined;
  for (const mount of mounts) {
    // Directories without a bind are used in place.
    if (mount.kind === 'directory' && !mount.bind) continue;
    try {
      resolved.push({ ...mount, target: realpathSync(mount.target) });
      if (mount.kind === 'overlay') marker ??= realpathSync(mount.upperDir);
    } catch (error) {
      const { code, path } = error as NodeJS.ErrnoException;
      return { reason: `${path ?? mount.target} cannot be used (${code ?? String(error)})` };
    }
  }
  marker ??= leaseFile ?? undefined;
  if (marker === undefined || resolved.length === 0) return { reason: 'nothing to mount' };
  resolved.sort((one, other) => (one.target < other.target ? -1 : 1));
  const twice = resolved.find((mount, index) => mount.target === resolved[index + 1]?.target);
  if (twice !== undefined) return { reason: `two volumes have the same target ${twice.target}` };
  return { mounts: resolved, marker };
}

import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import type { CommandOutcome, RunRequest } from '@cachelane/core';
import { thisCaller } from '../chain/caller.ts';
import { type Chain, leaseHeld, leaseHeldCode } from '../chain/chain.ts';
import { startChild } from '../system/child.ts';
import { imagesOf, imageTable } from '../chain/image-stage.ts';
import { imageMend } from '../system/mends.ts';
import { namelessFile, pathOfDescriptor } from '../system/nameless-file.ts';
import { exitedWith, notStarted } from '../system/outcomes.ts';
import type { RunOptions } from './run-bare.ts';
import { resolveMounts, tell } from './run-mounted.ts';
import { exitCodeOfSignal, openSignalDesk, type SignalReceiver } from '../signals/signal-desk.ts';
import { monitoredReceiver } from '../signals/signal-receivers.ts';
import { openStatusFile, type StatusFile } from '../system/status-file.ts';
import { planText, sudoChain } from '../chain/sudo-chain.ts';
import { linkMounts } from '../chain/sudo-links.ts';
import { installSudoMend, sudoProblem } from '../chain/sudo-problem.ts';
import { findSudoTools } from '../chain/sudo-tools.ts';
import { placeOf } from '../signals/survivors.ts';

/** Runs the command in a mount namespace that root makes, through sudo if needed. */
export async function runWithSudo(request: RunRequest, options: RunOptions): Promise<CommandOutcome> {
  const prepared = prepare(request, options);
  if ('reason' in prepared) return notStarted(prepared.reason, prepared.mend);
  const { chain, marker, status, resources } = prepared;
  using _resources = resources;
  using desk = openSignalDesk(options.ignored);
  const child = await startChild([chain.file, ...chain.args], { cwd: '/', env: chain.env, stdio: options.stdio });
  if ('error' in child) return notStarted(`the command could not be started (${child.error.code})`);
  desk.connect(receiverBehind(status));
  const placeError = tell(() => request.onPlace?.(placeOf(marker)));
  const { code, signal } = await child.end();
  const received = await desk.received();
  if (placeError !== null) throw placeError;
  const { exitCode, childPid } = status.read();
  if (exitCode !== null) return exitedWith(exitCode, received);
  // The monitor was killed: the command lives on or its end is unknown, so it must not run again.
  if (childPid !== null) return exitedWith(exitCodeOfSignal('SIGKILL'), received);
  if (signal !== null) return exitedWith(exitCodeOfSignal(signal), received);
  // An interrupt during the start must not start the command in another way.
  if (received !== null) return exitedWith(exitCodeOfSignal(received), received);
  if (code === leaseHeldCode) return notStarted(leaseHeld);
  const reason = complaintIn(textOf(status)) ?? sudoProblem() ?? `sudo failed (exit code ${String(code)})`;
  return notStarted(reason, imageMend(reason, imagesOf(request.mounts)));
}

interface Prepared {
  readonly chain: Omit<Chain, 'inputs'>;
  readonly marker: string;
  readonly status: StatusFile;
  readonly resources: Disposable;
}

function prepare(
  request: RunRequest,
  { ignored }: RunOptions,
): Prepared | { readonly reason: string; readonly mend?: string } {
  const caller = thisCaller();
  const found = findSudoTools(caller.uid === 0);
  if ('missing' in found) return { reason: `not installed: ${found.missing.join(', ')}`, mend: installSudoMend };
  const resolved = resolveMounts(request);
  if ('reason' in resolved) return resolved;
  const { marker } = resolved;
  const { tools } = found;
  const { leaseFile } = request;
  using resources = new DisposableStack();
  try {
    const status = resources.use(openStatusFile(`${marker}.status`));
    const plan = resources.use(
      namelessFile(`${marker}.plan`, planText({ tools, request, ignored, umask: caller.umask })),
    );
    const images = imagesOf(resolved.mounts);
    const table = images.length === 0 ? null : resources.use(namelessFile(`${marker}.images`, imageTable(images))).path;
    const { mounts } = resources.use(linkMounts(`${marker}.links`, resolved.mounts));
    // Root opens it but must not create it.
    if (leaseFile !== null) closeSync(openSync(leaseFile, constants.O_RDONLY | constants.O_CREAT, 0o600));
    const paths = { status: pathOfDescriptor(status.fd), plan: plan.path, images: table };
    const chain = sudoChain({ tools, caller, mounts, leaseFile, marker, ...paths });
    if (chain === null) return { reason: 'there are more layers than fit into one mount option' };
    return { chain, marker, status, resources: resources.move() };
  } catch (error) {
    const { code, path } = error as NodeJS.ErrnoException;
    return { reason: `${path ?? marker} cannot be written to (${code ?? String(error)})` };
  }
}

/** Returns a receiver for signals. sudo is in between, so the monitor's process id is known only with the command's. */
function receiverBehind(status: StatusFile): SignalReceiver {
  let receiver: SignalReceiver | null = null;
  return {
    deliver(signal, early) {
      const monitorPid = /"monitor-pid":(\d+)/.exec(textOf(status))?.[1];
      if (monitorPid === undefined) return false;
      receiver ??= monitoredReceiver(Number(monitorPid), () => status.read().childPid);
      return receiver.deliver(signal, early);
    },
  };
}

function textOf({ fd }: StatusFile): string {
  const text = Buffer.alloc(fstatSync(fd).size);
  return text.toString('utf8', 0, readSync(fd, text, 0, text.length, 0));
}

/** Returns the first error that a stage wrote before the command started. */
export function complaintIn(status: string): string | null {
  const lines = status.split('\n').map((line) => line.replace(/^cachelane: (\d+: )?/, '').trim());
  // mount(8) adds a general hint.
  const said = lines.find((line) => line !== '' && !line.startsWith('{') && !line.startsWith('dmesg(1)'));
  return said?.slice(0, 300) ?? null;
}

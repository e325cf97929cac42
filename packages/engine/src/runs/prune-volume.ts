import { CachelaneError, type CommandOutcome, type Tool, type VolumeReport } from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import type { RunCommandRequest } from '../model/run-request.ts';
import type { VolumeRequest } from '../model/volume-request.ts';
import { requireWritable } from '../base/require-writable.ts';
import { runCommand } from './run-command.ts';

type Decided = 'volumes' | 'argv' | 'mode' | 'purpose' | 'leaveProcesses' | 'strict';

export interface PruneRequest extends Omit<RunCommandRequest, Decided> {
  readonly volume: VolumeRequest;
  /** As {@link pruneCommand} returns it. */
  readonly argv: readonly string[];
}

export interface Pruned {
  /** `layer` is null if the tool removed nothing. */
  readonly report: VolumeReport;
  readonly outcome: Extract<CommandOutcome, { kind: 'exited' }>;
}

/** Errors: E_USAGE for a tool without a prune command. */
export function pruneCommand({ name, prune }: Tool): Extract<Tool['prune'], { kind: 'command' }> {
  if (prune.kind === 'command') return prune;
  throw new CachelaneError('E_USAGE', `${name} has no command that prunes its cache: ${prune.why}`, {
    hint: 'cachelane rm removes a whole volume; cachelane gc deletes unused data',
  });
}

/**
 * Runs the tool's prune command with the volume attached, and saves its removals in a layer above the view's layers, so that concurrent
 * saves stay. Any exit code but 0 changes nothing. Errors: E_USAGE if the lane is read-only or shows layers of other lanes, and those of a
 * strict run.
 */
export async function pruneVolume(deps: EngineDependencies, { volume, ...request }: PruneRequest): Promise<Pruned> {
  requireWritable(request.context);
  const { report, outcome } = await runCommand(deps, {
    ...request,
    volumes: [volume],
    mode: 'write',
    purpose: 'prune',
    leaveProcesses: false,
    strict: true,
  });
  const [only] = report.volumes;
  if (only === undefined) throw new CachelaneError('E_INTERNAL', `a run of one volume has no report of ${volume.name}`);
  return { report: only, outcome };
}

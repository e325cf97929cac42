import { CachelaneError, type CommandOutcome, type Tool, type VolumeReport } from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import type { RunCommandRequest } from '../model/run-request.ts';
import type { VolumeRequest } from '../model/volume-request.ts';
import { requireWritable } from '../base/require-writable.ts';
import { runCommand } from './run-command.ts';

type Decided = 'volumes' | 'argv' | 'mode' | 'purpose' | 'leaveProcesses' | 'strict';

export interface PruneRequest extends Omit<RunCommandRequest, Decided> {
  readonly volume: VolumeRequest;
  /** As {@link pruneCommand} says. */
  readonly argv: readonly string[];
}

export interface Pruned {
  /** `layer` is null where the tool found nothing to remove. */
  readonly report: VolumeReport;
  readonly outcome: Extract<CommandOutcome, { kind: 'exited' }>;
}

/** Errors: E_USAGE for a tool that has none. */
export function pruneCommand({ name, prune }: Tool): Extract<Tool['prune'], { kind: 'command' }> {
  if (prune.kind === 'command') return prune;
  throw new CachelaneError('E_USAGE', `there is no command that prunes a cache of ${name}: ${prune.why}`, {
    hint: 'cachelane rm takes a volume away whole, cachelane gc frees the space of what nothing refers to',
  });
}

/**
 * Runs the tool's own clean-up with the volume in place, in a view of its own, and saves what it did: whatever it removed is gone from
 * the lane, in a layer right above those that the view was made of, so that what other runs save meanwhile stays. Anything less than exit code
 * 0 changes nothing. Errors: E_USAGE where the lane may not be written or shows
 * layers of other ones, and all that a strict run has.
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

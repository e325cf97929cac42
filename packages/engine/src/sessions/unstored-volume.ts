import {
  type AttachedVolume,
  CachelaneError,
  type DirectoryMount,
  type Mount,
  type Reach,
  type VolumeReport,
} from '@cachelane/core';
import { neverAborted } from '../base/never-aborted.ts';
import type { MounterChoice } from '../leases/mounters.ts';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import { type PlannedVolume, isUnstored } from '../model/planned-volume.ts';
import type { CacheMode } from '../model/run-request.ts';
import type { Ids } from '../model/session-input.ts';
import { providerReport, shownName } from '../providers/provider-report.ts';
import { nothingSaved, reportOf } from './volume-report.ts';

// Volumes outside the store: a directory of the machine, or an empty directory for one run.

export interface UnstoredVolume {
  readonly planned: PlannedVolume;
  readonly choice: MounterChoice;
  readonly attached: Pick<AttachedVolume, 'mount' | 'release'>;
  readonly attachMs: number;
}

export interface UnstoredInput extends Ids {
  readonly ordinal: number;
  readonly mode: CacheMode;
  readonly canWrite: boolean;
  readonly cwd: string;
}

/** Errors: E_USAGE for a volume that the store does not hold. */
export function requireStored(planned: PlannedVolume): void {
  if (!isUnstored(planned)) return;
  const { provider = '', chosenBy = '', gives = '' } = providerReport(planned) ?? {};
  throw new CachelaneError(
    'E_USAGE',
    `${shownName(planned.request)} is ${gives} here, by provider ${provider} (${chosenBy}): cachelane does not store it`,
    { hint: 'use the directory itself' },
  );
}

/** An empty directory is attached as a `clone` of nothing; a machine's directory is shown in its place. */
export function unstoredChoice({ isRedirectable }: PlannedVolume, cannotMount: string | null): MounterChoice {
  // Prefer a mount: some child processes ignore the tool's setting.
  const reach = cannotMount === null ? 'bind' : isRedirectable ? 'setting' : 'symlink';
  return { mounter: 'clone', why: 'its provider says so', reach, sharing: 'PRIVATE', isLook: false };
}

/** Errors: E_VOLUME if the run may not write to the directory, E_MOUNT_POINT if it cannot be shown, and those of the mounter. */
export async function attachUnstored(
  deps: EngineDependencies,
  { planned, choice }: Pick<UnstoredVolume, 'planned' | 'choice'>,
  input: UnstoredInput,
  signal: AbortSignal,
): Promise<UnstoredVolume> {
  const startedMs = deps.clock.monotonicMs();
  const directory = directoryOf(planned);
  if (directory !== null) requireMay(planned, directory, input);
  const reach = directory === planned.target ? 'setting' : choice.reach;
  if (directory !== null && reach === 'symlink') throw noWay(planned, directory);
  const attached =
    directory !== null && reach === 'setting'
      ? needsNothing(planned, directory)
      : await attachEmpty(deps, { planned, reach }, input, signal);
  const shown = directory === null ? attached : { ...attached, mount: showing(attached.mount, directory, reach) };
  const attachMs = deps.clock.monotonicMs() - startedMs;
  deps.events({
    type: 'attached',
    volume: shownName(planned.request),
    path: planned.target,
    layers: 0,
    attachMs,
    mounter: choice.mounter,
    mounterWhy: choice.why,
  });
  return { planned, choice: { ...choice, reach }, attached: shown, attachMs };
}

/** Null: an empty directory. */
function directoryOf({ request: { provided } }: PlannedVolume): string | null {
  return provided?.backing.kind === 'directory' ? provided.backing.directory : null;
}

/** Writes to the directory are immediate, so only runs that may save use it. */
function requireMay(planned: PlannedVolume, directory: string, { mode, canWrite }: UnstoredInput): void {
  if (mode === 'write' && canWrite) return;
  const why = canWrite ? `with --mode ${mode}` : 'that may not save';
  throw new CachelaneError(
    'E_VOLUME',
    `${shownName(planned.request)} is the directory ${directory}, and a run ${why} cannot use it`,
    {
      hint: 'choose the provider none: for such runs',
    },
  );
}

function noWay({ request, target }: PlannedVolume, directory: string): CachelaneError {
  return new CachelaneError(
    'E_MOUNT_POINT',
    `${directory} cannot be shown at ${target}: nothing can be mounted here, and the tool of ${shownName(request)} has no setting for its path`,
    { hint: 'cachelane doctor shows why mounts fail' },
  );
}

function needsNothing({ target }: PlannedVolume, directory: string): UnstoredVolume['attached'] {
  const mount: DirectoryMount = { kind: 'directory', target, path: directory, bind: false };
  return { mount, release: async () => await Promise.resolve() };
}

/** The directory made at the target is only a mount point. */
function showing({ target }: Mount, directory: string, reach: Reach): DirectoryMount {
  return { kind: 'directory', target, path: directory, bind: reach === 'bind' };
}

async function attachEmpty(
  deps: EngineDependencies,
  { planned, reach }: { readonly planned: PlannedVolume; readonly reach: Reach },
  { sessionId, run, ordinal, cwd }: UnstoredInput,
  signal: AbortSignal,
): Promise<AttachedVolume> {
  return await deps.mounters.clone.attach(
    {
      sessionId,
      run,
      ordinal,
      view: [],
      links: [],
      target: planned.target,
      reach,
      kept: null,
      amongMounts: (use) => deps.metadata.amongMounts(sessionId, use, signal),
      near: cwd,
      looks: false,
      samePath: false,
      isNeverSaved: () => false,
    },
    signal,
  );
}

/** `stays`: processes that can write are left; the directory is removed after they end. */
export async function endUnstored(
  deps: EngineDependencies,
  { planned, choice, attached, attachMs }: UnstoredVolume,
  { stays }: { readonly stays: boolean },
): Promise<VolumeReport> {
  if (!stays) await attached.release(neverAborted);
  const directory = directoryOf(planned);
  const skipped =
    directory === null ? 'it was an empty directory for this run' : `directory ${directory}, not saved by cachelane`;
  const report = reportOf(
    {
      name: shownName(planned.request),
      namespace: planned.own.namespace,
      path: planned.target,
      provider: providerReport(planned),
      // A machine's directory was used directly.
      choice: directory === null ? choice : null,
      links: [],
      seed: null,
      evicted: null,
      restoredBytes: 0,
      attachMs,
      warnings: planned.warnings,
    },
    { ...nothingSaved, skipped, saveMs: 0 },
  );
  deps.events({ type: 'volume-done', report });
  return report;
}

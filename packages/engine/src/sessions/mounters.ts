import type { MounterName, Mounters, Reach, SessionId, SharingMode } from '@cachelane/core';
import type { CacheMode, RunPurpose } from '../engine.ts';
import type { PlannedVolume } from '../volumes/plan.ts';

/** Frees what attached volumes of a dead session left behind, whichever way they were attached. */
export async function discardSession(mounters: Mounters, id: SessionId, signal: AbortSignal): Promise<void> {
  for (const mounter of new Set(Object.values(mounters))) await mounter.discardSession(id, signal);
}

export function removeTargets(mounters: Mounters, paths: readonly string[]): void {
  for (const mounter of new Set(Object.values(mounters))) mounter.removeTargets(paths);
}

export interface MounterChoice {
  readonly mounter: MounterName;
  /** For people, one clause. */
  readonly why: string;
  readonly reach: Reach;
}

export interface MounterQuestion {
  /** What the person asked for. */
  readonly wanted: MounterName | null;
  /** Null: volumes can be mounted, as far as is known; else why not. */
  readonly cannotMount: string | null;
  readonly mode: CacheMode;
  readonly purpose: RunPurpose;
  readonly canWrite: boolean;
}

/** Which way a volume is attached. */
export function chooseMounter(planned: PlannedVolume, question: MounterQuestion): MounterChoice {
  const way = planned.isRedirectable ? 'setting' : question.cannotMount === null ? 'bind' : 'symlink';
  return { ...chooseWay(planned, question), reach: way };
}

function chooseWay(planned: PlannedVolume, question: MounterQuestion): Omit<MounterChoice, 'reach'> {
  const { wanted, cannotMount } = question;
  const isLive = wanted === 'live' || (wanted === null && sharingOf(planned) === 'SHARED');
  if (isLive) {
    const against = whyNotShared(question);
    if (against === null) return { mounter: 'live', why: whyLive(planned, wanted) };
    return { ...unshared(question), why: against };
  }
  if (wanted !== null) return { mounter: wanted, why: 'asked for with --mounter' };
  return cannotMount === null ? { mounter: 'overlay', why: 'volumes can be mounted here' } : unshared(question);
}

/** What is asked for, or suits the tool. */
function sharingOf({ request, tool, isRedirectable }: PlannedVolume): SharingMode {
  return request.sharing ?? (tool.linksOut && isRedirectable ? 'SHARED' : 'PRIVATE');
}

function whyLive({ request, tool }: PlannedVolume, wanted: MounterName | null): string {
  if (wanted === 'live') return 'asked for with --mounter';
  return request.sharing === 'SHARED' ? 'its sharing is SHARED' : `${tool.name} links files out of its cache`;
}

/** A run whose work is not kept must not work where others do. */
function whyNotShared({ mode, purpose, canWrite }: MounterQuestion): string | null {
  // Where others work, nobody could tell what it removed from what they did.
  if (purpose === 'prune') return 'what is pruned is a view of its own';
  if (!canWrite) return 'a run that may not save has a view of its own';
  return mode === 'write' ? null : `with --mode ${mode} a run has a view of its own`;
}

function unshared({ cannotMount }: MounterQuestion): Omit<MounterChoice, 'reach'> {
  return cannotMount === null
    ? { mounter: 'overlay', why: 'volumes can be mounted here' }
    : { mounter: 'clone', why: cannotMount };
}

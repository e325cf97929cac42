import { limits, type Digest, type KeptDirectory, type LayerId, type SessionId } from '@cachelane/core';
import { findKept, removeKept } from './kept-directories.ts';
import { deadSessions, recover, type RecoverDependencies } from './sessions/recover.ts';
import type { EngineDependencies } from './engine.ts';

interface GarbageLayer {
  readonly id: LayerId;
  readonly sizeBytes: number;
  readonly sealedAtMs: number;
}

export interface GarbageReport {
  /** Layers that no head, history or live session refers to. */
  readonly layers: readonly GarbageLayer[];
  /** The same, so young that a run may be about to refer to them: they stay for now. */
  readonly young: readonly GarbageLayer[];
  /** Derived layers that no run used for a while; they are made again when needed. */
  readonly derived: readonly Digest[];
  /** Directories that mounters keep, of volumes that are gone or that no run used for a while. */
  readonly kept: readonly KeptDirectory[];
  readonly deadSessions: readonly SessionId[];
  /** Leftovers of processes that died while they wrote; empty in a dry run. */
  readonly swept: readonly string[];
}

/** A derived layer costs directory entries only, and seconds to make again. */
const derivedIdleMs = 7 * 24 * 3600 * 1000;

/** A directory that is kept saves the time to make it, seconds for a big volume, and takes as much room as its contents. */
const keptIdleMs = 14 * 24 * 3600 * 1000;

type GarbageDependencies = Pick<EngineDependencies, 'layers' | 'clock'> & RecoverDependencies;

/** What {@link collectGarbage} would remove at this moment. Changes nothing. */
export async function findGarbage(deps: GarbageDependencies, signal: AbortSignal): Promise<GarbageReport> {
  const found = await findUnreferenced(deps, signal);
  const dead = await deadSessions(deps, null, signal);
  const kept = await findIdle(deps, deps.clock.nowMs(), signal);
  return { ...found, kept, deadSessions: dead.map(({ id }) => id), swept: [] };
}

/** Layers and derived layers that could go at this moment; what dead sessions still pin is not among them. */
export async function findUnreferenced(
  deps: Pick<EngineDependencies, 'layers' | 'clock' | 'metadata'>,
  signal: AbortSignal,
): Promise<Pick<GarbageReport, 'layers' | 'young' | 'derived'>> {
  const nowMs = deps.clock.nowMs();
  const idle = (await deps.layers.listDerived(signal)).filter(({ usedAtMs }) => usedAtMs < nowMs - derivedIdleMs);
  // After the list: a session that mounts one of them meanwhile has pinned it by now, or will find it gone and make it anew.
  const referenced = await deps.metadata.referencedLayers(nowMs, signal);
  const derived = idle.filter(({ key }) => !referenced.has(key as LayerId));
  const unreferenced = (await deps.layers.list(signal)).filter(({ id }) => !referenced.has(id));
  const isOld = ({ sealedAtMs }: GarbageLayer): boolean => sealedAtMs < nowMs - limits.sweepGraceMs;
  const layers = unreferenced.filter(isOld);
  return { layers, young: unreferenced.filter((layer) => !isOld(layer)), derived: derived.map(({ key }) => key) };
}

async function findIdle(
  { metadata, mounters }: GarbageDependencies,
  nowMs: number,
  signal: AbortSignal,
): Promise<readonly KeptDirectory[]> {
  const volumes = new Set((await metadata.listVolumes(signal)).map(({ id }) => id));
  return await findKept(
    mounters,
    ({ volume, usedAtMs, hasUnsaved }) =>
      usedAtMs < nowMs - (hasUnsaved || volumes.has(volume) ? keptIdleMs : limits.sweepGraceMs),
    signal,
  );
}

/**
 * Removes what nothing refers to. Metadata forget a layer before its files go, in one transaction with the check, so that no
 * session can pin it in between.
 */
export async function collectGarbage(deps: GarbageDependencies, signal: AbortSignal): Promise<GarbageReport> {
  const found = await findGarbage(deps, signal);
  await recover(deps, null, signal);
  const nowMs = deps.clock.nowMs();
  const forgotten = new Set(
    await deps.metadata.forgetLayers(
      found.layers.map(({ id }) => id),
      nowMs,
      signal,
    ),
  );
  await deps.layers.remove([...forgotten, ...found.derived], signal);
  await removeKept(deps.mounters, found.kept, signal);
  const swept = await deps.layers.sweep(nowMs, signal);
  return { ...found, layers: found.layers.filter(({ id }) => forgotten.has(id)), swept };
}

import type {
  LaneName,
  LayerId,
  Metadata,
  Mounters,
  NamespaceRecord,
  SessionRecord,
  SessionVolume,
  UsedDirectory,
  VolumeId,
  VolumeRecord,
} from '@cachelane/core';
import { isAlive, type LifeDependencies } from './recover.ts';
import { compareText } from '../heads/list-heads.ts';

/** What a session holds of a volume: its lock, pinned layers, or a kept directory. */
type Leased =
  | { readonly kind: 'LOCK'; readonly lane: LaneName }
  /** Unique. Empty if the volume was empty; the pin then keeps the volume itself. */
  | { readonly kind: 'PIN'; readonly layers: readonly LayerId[] }
  /** Absolute path. */
  | { readonly kind: 'DIRECTORY'; readonly lane: LaneName; readonly path: string };

export interface ListedLease {
  readonly leased: Leased;
  readonly namespace: NamespaceRecord;
  readonly volume: VolumeRecord;
  readonly session: SessionRecord;
  readonly isAlive: (signal: AbortSignal) => Promise<boolean>;
}

export interface LeaseDependencies extends LifeDependencies {
  readonly metadata: Metadata;
  readonly mounters: Mounters;
}

/** Returns what sessions hold, oldest session first; per session by kind, namespace and volume. Derived layers are left out. */
export async function listLeases(
  deps: LeaseDependencies,
  signal: AbortSignal,
  isAskedAbout: (session: SessionRecord) => boolean = () => true,
): Promise<readonly ListedLease[]> {
  const { metadata } = deps;
  const opened = Map.groupBy(await metadata.listSessionVolumes(signal), ({ session }) => session);
  const used = Map.groupBy(await usedDirectories(deps.mounters, signal), ({ session }) => session);
  const all = (await metadata.listSessions(signal)).filter(isAskedAbout);
  const sessions = all.toSorted((a, b) => a.openedAtMs - b.openedAtMs);
  const places = placesIn(metadata, signal);
  const volumeOfLayer = new Map<LayerId, HeldLayer>();
  const leases: ListedLease[] = [];
  for (const session of sessions) {
    const own = opened.get(session.id) ?? [];
    for (const id of session.pins) {
      if (!volumeOfLayer.has(id)) volumeOfLayer.set(id, await volumesWith(metadata, id, signal));
    }
    const leased = leasedBy({ session, opened: own, used: used.get(session.id) ?? [], volumeOfLayer });
    let alive: Promise<boolean> | undefined;
    const lives = async (asked: AbortSignal): Promise<boolean> => await (alive ??= isAlive(deps, session, asked));
    const found: ListedLease[] = [];
    for (const [volumeId, each] of leased) {
      const place = await places(volumeId);
      // Removed since.
      if (place === null) continue;
      found.push({ ...place, leased: each, session, isAlive: lives });
    }
    leases.push(...found.toSorted(byKindAndPlace));
  }
  return leases;
}

interface SessionFacts {
  readonly session: SessionRecord;
  readonly opened: readonly SessionVolume[];
  readonly used: readonly UsedDirectory[];
  readonly volumeOfLayer: ReadonlyMap<LayerId, HeldLayer>;
}

function leasedBy({ session, opened, used, volumeOfLayer }: SessionFacts): readonly (readonly [VolumeId, Leased])[] {
  const own = new Set(opened.map(({ volumeId }) => volumeId));
  const pinned = new Map<VolumeId, LayerId[]>();
  for (const id of session.pins) {
    const { all, others } = volumeOfLayer.get(id) ?? { all: [], others: [] };
    const opens = all.filter((each) => own.has(each));
    for (const each of opens.length === 0 ? others : opens) pinned.set(each, [...(pinned.get(each) ?? []), id]);
  }
  const volumes = new Set([...own, ...pinned.keys()]);
  return [
    ...opened.flatMap(({ volumeId, lockedLane: lane }) =>
      lane === null ? [] : [[volumeId, { kind: 'LOCK', lane } as const] as const],
    ),
    ...[...volumes].map((id) => [id, { kind: 'PIN', layers: pinned.get(id) ?? [] } as const] as const),
    ...used.map(({ volume, lane, dir: path }) => [volume, { kind: 'DIRECTORY', lane, path } as const] as const),
  ];
}

interface HeldLayer {
  /** Volumes with a lane that holds the layer. */
  readonly all: readonly VolumeId[];
  /** Volumes the session did not open; for a layer that was fed to a tier, the tier. */
  readonly others: readonly VolumeId[];
}

async function volumesWith(metadata: Metadata, id: LayerId, signal: AbortSignal): Promise<HeldLayer> {
  const record = await metadata.layer(id, signal);
  if (record === undefined) return { all: [], others: [] };
  const holding = await metadata.volumesHolding(id, signal);
  const fed = holding.filter((each) => each !== record.volumeId);
  return { all: [record.volumeId, ...fed], others: fed.length === 0 ? [record.volumeId] : fed };
}

async function usedDirectories(mounters: Mounters, signal: AbortSignal): Promise<readonly UsedDirectory[]> {
  const used: UsedDirectory[] = [];
  for (const mounter of new Set(Object.values(mounters))) used.push(...(await mounter.listUsed(signal)));
  return used;
}

type Place = Pick<ListedLease, 'namespace' | 'volume'>;

/** Caches lookups. */
function placesIn(metadata: Metadata, signal: AbortSignal): (id: VolumeId) => Promise<Place | null> {
  const known = new Map<VolumeId, Place | null>();
  const find = async (id: VolumeId): Promise<Place | null> => {
    const volume = await metadata.volume(id, signal);
    const namespace = volume === undefined ? undefined : await metadata.namespace(volume.namespaceId, signal);
    return volume === undefined || namespace === undefined ? null : { namespace, volume };
  };
  return async (id) => {
    if (!known.has(id)) known.set(id, await find(id));
    return known.get(id) ?? null;
  };
}

function byKindAndPlace(a: ListedLease, b: ListedLease): number {
  return (
    compareText(a.leased.kind, b.leased.kind) ||
    compareText(a.namespace.paths[0] ?? '', b.namespace.paths[0] ?? '') ||
    compareText(a.volume.name, b.volume.name)
  );
}

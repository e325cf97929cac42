import {
  CachelaneError,
  invariant,
  type AttachedVolume,
  type AttachRequest,
  type Mount,
  type Mounter,
  type OverlayMount,
  type SessionId,
} from '@cachelane/core';
import { MemoryVolume } from './memory-volume.ts';

export interface MemoryMounter extends Mounter<OverlayMount> {
  /** Returns what the command sees and changes at this mount. Throws if it is not attached. */
  volume(mount: Mount): MemoryVolume;
  /** Number of volumes attached and not yet released or discarded. */
  readonly attachedCount: number;
  /** Directories on the simulated host. */
  readonly hostDirs: ReadonlySet<string>;
}

export interface MemoryMounterOptions {
  /** Absolute paths on the simulated host; `/` always exists. */
  readonly hostDirs?: readonly string[];
  readonly hostFiles?: readonly string[];
}

interface Attached {
  readonly sessionId: SessionId;
  readonly volume: MemoryVolume;
}

/** Volumes without mounts. A test acts as the command through {@link MemoryMounter.volume}. */
export function openMemoryMounter({ hostDirs = [], hostFiles = [] }: MemoryMounterOptions = {}): MemoryMounter {
  const host = new Set(['/', ...hostDirs]);
  const files = new Set(hostFiles);
  const attached = new Map<string, Attached>();

  const makeTarget = (target: string): readonly string[] => {
    const paths = pathsTo(target);
    const file = paths.find((path) => files.has(path));
    if (!target.startsWith('/') || target === '/' || file !== undefined) {
      throw new CachelaneError('E_MOUNT_POINT', `cannot attach a volume at ${target}`);
    }
    const made = paths.filter((path) => !host.has(path));
    for (const path of made) host.add(path);
    return made;
  };

  const attach = ({ sessionId, ordinal, view, links, target, looks }: AttachRequest): AttachedVolume<OverlayMount> => {
    const key = `/memory/${sessionId}/${ordinal}`;
    invariant(!attached.has(key), 'an ordinal is used once in a session');
    const madeDirs = makeTarget(target);
    const volume = new MemoryVolume(view);
    attached.set(key, { sessionId, volume });
    const lowerDirs = view.length === 0 ? [`${key}/empty`] : view.map((layer) => `/memory/layers/${layer.key}`);
    const images = view.flatMap((layer) =>
      layer.image === null ? [] : [{ file: layer.image, dir: `/memory/layers/${layer.key}` }],
    );
    return {
      mount: { kind: 'overlay', target, lowerDirs, images, upperDir: `${key}/upper`, workDir: `${key}/work` },
      links,
      madeDirs,
      passedOver: [],
      displacedBy: () => null,
      collect: (signal) =>
        call(signal, () => ({
          kind: 'changes',
          changes: volume.changes(),
          links,
          alsoOf: [],
          used: looks ? volume.usedFiles() : null,
          part: null,
          saved: () => {},
        })),
      release: (signal) => call(signal, () => void attached.delete(key)),
    };
  };

  return {
    name: 'overlay',
    missingDirs: (target) => pathsTo(target).filter((path) => !host.has(path)),
    attach: (request, signal) => call(signal, () => attach(request)),
    removeTargets: (dirs) => {
      for (const dir of dirs.toSorted((a, b) => b.length - a.length)) {
        if (![...host].some((path) => path.startsWith(`${dir}/`))) host.delete(dir);
      }
    },
    sessions: async () => await Promise.resolve([...new Set([...attached.values()].map((each) => each.sessionId))]),
    listKept: async () => await Promise.resolve([]),
    listUsed: async () => await Promise.resolve([]),
    removeKept: async () => await Promise.resolve(),
    discardSession: (sessionId, signal) =>
      call(signal, () => {
        for (const [key, each] of attached) if (each.sessionId === sessionId) attached.delete(key);
      }),
    volume(mount) {
      const found =
        mount.kind === 'overlay' ? attached.get(mount.upperDir.slice(0, mount.upperDir.lastIndexOf('/'))) : undefined;
      invariant(found !== undefined, 'the volume is not attached');
      return found.volume;
    },
    get attachedCount() {
      return attached.size;
    },
    get hostDirs() {
      return host;
    },
  };
}

async function call<T>(signal: AbortSignal, act: () => T): Promise<T> {
  await Promise.resolve();
  if (signal.aborted) throw new CachelaneError('E_ABORTED', 'stopped on request', { cause: signal.reason });
  return act();
}

function pathsTo(target: string): readonly string[] {
  const parts = target.split('/').slice(1);
  return parts.map((_, i) => `/${parts.slice(0, i + 1).join('/')}`);
}

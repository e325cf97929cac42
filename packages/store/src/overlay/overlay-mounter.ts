import { readdirSync } from 'node:fs';
import {
  CachelaneError,
  type AttachedVolume,
  type AttachRequest,
  type ChangeSet,
  type LayerImage,
  type Mounter,
  type OverlayMount,
  type SessionId,
} from '@cachelane/core';
import { clearStaleLink } from '../links/stale-link.ts';
import { portCall } from '../files/file-errors.ts';
import { ensureHomeDir, homePaths, ownerOf } from '../files/home-paths.ts';
import { namesIn } from '../files/read-file.ts';
import { realFiles, type StoreFiles } from '../files/store-files.ts';
import { openTrash, type Trash } from '../files/trash.ts';
import {
  attachmentDirs,
  checkTarget,
  makeTarget,
  missingDirs,
  removeAttachment,
  removeEmptyDirs,
  rootMode,
  type AttachmentDirs,
} from './attachment-dirs.ts';
import { collectUpper } from './overlay-changes.ts';
import { toChangeSet } from '../layers/change-set.ts';

export interface OverlayMounterOptions {
  /** The home: an absolute path, without a slash at its end; exists. */
  readonly dir: string;
  /** For tests that interfere with what happens on the disk. */
  readonly files?: StoreFiles;
}

/**
 * Views as overlays: the layers' trees and images below, a directory of the session on top. Nothing is mounted here: the runtime does
 * that, where the command alone can see it. Layers must lie in the file system as {@link openLayerFiles} keeps them.
 */
export function openOverlayMounter({ dir: home, files = realFiles }: OverlayMounterOptions): Mounter<OverlayMount> {
  const paths = homePaths(home);
  const trash = (): Trash => openTrash(files, paths, ownerOf(home));
  const sessionDir = (id: SessionId): string => `${paths.sessions}/${id}`;

  const makeDirs = (request: AttachRequest, target: string): AttachmentDirs => {
    const owner = ownerOf(home);
    const session = sessionDir(request.sessionId);
    const dirs = attachmentDirs(session, request.ordinal);
    for (const dir of [paths.sessions, session, dirs.dir]) ensureHomeDir(files, dir, owner);
    files.makeDir(dirs.upper, 0o700);
    files.setMode(dirs.upper, rootMode(target));
    files.makeDir(dirs.work, 0o700);
    if (request.view.length === 0) files.makeDir(dirs.empty, 0o755);
    return dirs;
  };

  const attach = (request: AttachRequest): AttachedVolume<OverlayMount> => {
    // The kernel refuses a directory that is there twice; whatever the lower one says, the upper one has said already.
    const lowerDirs = [...new Set(request.view.map(treeDirOf))];
    const images = request.view.flatMap(imageOf);
    clearStaleLink(files, request.target, home);
    const target = checkTarget(request.target, home);
    const dirs = makeDirs(request, target);
    const madeDirs = makeTargetOrRemove(target, dirs);
    const lower = lowerDirs.length === 0 ? [dirs.empty] : lowerDirs;
    return {
      mount: { kind: 'overlay', target, lowerDirs: lower, images, upperDir: dirs.upper, workDir: dirs.work },
      links: request.links,
      madeDirs,
      passedOver: [],
      displacedBy: () => null,
      collect: (signal, { inUse }) =>
        portCall('collecting changes', signal, () => ({
          kind: 'changes',
          // An overlay opens what lies below without moving its time of access.
          used: null,
          changes: collect(request, inUse ? copyOf(dirs) : dirs, signal),
          links: request.links,
          alsoOf: [],
          part: null,
          saved: () => {},
        })),
      release: (signal) => portCall('releasing a volume', signal, () => removeAttachment(files, trash(), dirs)),
    };
  };

  const makeTargetOrRemove = (target: string, dirs: AttachmentDirs): readonly string[] => {
    try {
      return makeTarget(files, target);
    } catch (error) {
      removeAttachment(files, trash(), dirs);
      throw error;
    }
  };

  const copyOf = (dirs: AttachmentDirs): AttachmentDirs => {
    const upper = `${dirs.dir}/copy`;
    files.copyTree(dirs.upper, upper);
    return { ...dirs, upper };
  };

  const collect = (request: AttachRequest, dirs: AttachmentDirs, signal: AbortSignal): ChangeSet => {
    // Most runs change nothing in most of their volumes.
    if (isEmptyDir(dirs.upper)) return toChangeSet({ upper: dirs.upper, files }, []);
    return collectUpper({ upper: dirs.upper, scratch: dirs.dir, files }, request.view, signal);
  };

  const discardSession = (id: SessionId): void => {
    const dir = sessionDir(id);
    for (const name of namesIn(dir)) {
      if (/^\d+$/.test(name)) removeAttachment(files, trash(), attachmentDirs(dir, Number(name)));
    }
    // What else lies there (a lease) is its owner's to remove.
    removeEmptyDirs(files, [dir]);
  };

  return {
    name: 'overlay',
    missingDirs: (target) => missingDirs(target, home),
    attach: (request, signal) => portCall('attaching a volume', signal, () => attach(request)),
    removeTargets: (dirs) => {
      removeEmptyDirs(files, dirs);
    },
    // Its directories lie with the session, and go when that is swept.
    sessions: async () => await Promise.resolve([]),
    listKept: async () => await Promise.resolve([]),
    listUsed: async () => await Promise.resolve([]),
    removeKept: async () => await Promise.resolve(),
    discardSession: (id, signal) => portCall('discarding a session', signal, () => discardSession(id)),
  };
}

function treeDirOf({ treeDir, key }: AttachRequest['view'][number]): string {
  if (treeDir !== null) return treeDir;
  throw new CachelaneError('E_INTERNAL', `layer ${key.slice(0, 12)} is not in the file system: it cannot be mounted`);
}

function imageOf({ image, treeDir }: AttachRequest['view'][number]): readonly LayerImage[] {
  return image === null || treeDir === null ? [] : [{ file: image, dir: treeDir }];
}

/** The command may have taken our permission to look: then there is something to see. */
function isEmptyDir(dir: string): boolean {
  try {
    return readdirSync(dir).length === 0;
  } catch {
    return false;
  }
}

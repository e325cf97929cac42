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
  /** The home: an absolute path without a trailing slash. It exists. */
  readonly dir: string;
  /** For tests that interfere with disk operations. */
  readonly files?: StoreFiles;
}

/**
 * Opens the mounter for overlays: trees and images of layers below, a directory of the session on top. The runtime
 * mounts them, visible only to the command. Layers must be in the file system, as {@link openLayerFiles} keeps
 * them.
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
    // The kernel refuses a duplicate directory. The upper occurrence hides the lower one anyway.
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
          // An overlay does not update access times in lower directories.
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
    // A lease there stays for its owner to delete.
    removeEmptyDirs(files, [dir]);
  };

  return {
    name: 'overlay',
    missingDirs: (target) => missingDirs(target, home),
    attach: (request, signal) => portCall('attaching a volume', signal, () => attach(request)),
    removeTargets: (dirs) => {
      removeEmptyDirs(files, dirs);
    },
    // Its directories are deleted with their session.
    sessions: async () => await Promise.resolve([]),
    listKept: async () => await Promise.resolve([]),
    listUsed: async () => await Promise.resolve([]),
    removeKept: async () => await Promise.resolve(),
    discardSession: (id, signal) => portCall('discarding a session', signal, () => discardSession(id)),
  };
}

function treeDirOf({ treeDir, key }: AttachRequest['view'][number]): string {
  if (treeDir !== null) return treeDir;
  throw new CachelaneError(
    'E_INTERNAL',
    `layer ${key.slice(0, 12)} is not in the file system, so it cannot be mounted`,
  );
}

function imageOf({ image, treeDir }: AttachRequest['view'][number]): readonly LayerImage[] {
  return image === null || treeDir === null ? [] : [{ file: image, dir: treeDir }];
}

/** Without permission to read the directory, the command has changed it. */
function isEmptyDir(dir: string): boolean {
  try {
    return readdirSync(dir).length === 0;
  } catch {
    return false;
  }
}

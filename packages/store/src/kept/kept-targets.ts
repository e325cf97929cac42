import { lstatSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { CachelaneError, type AttachRequest, type Displaced, type OthersMount, type Reach } from '@cachelane/core';
import { errnoOf } from '../files/file-errors.ts';
import type { StoreFiles } from '../files/store-files.ts';
import { layLink, linkAt } from '../links/kept-links.ts';
import { clearStaleLink, inTheWay, leadsInto } from '../links/stale-link.ts';
import {
  checkTarget,
  defaultRootMode,
  makeTarget,
  missingDirs,
  removeEmptyDirs,
  rootMode,
} from '../overlay/attachment-dirs.ts';

// Where nothing can be mounted, a tool with a fixed path finds a symlink there.

/** Returns the directories that {@link reachTarget} would create, outermost first. */
export function missingFor(target: string, home: string, reach: Reach): readonly string[] {
  return reach === 'setting' ? [] : missingDirs(target, home);
}

/** Throws E_MOUNT_POINT for an impossible target, before anything is created. */
export function checkReach(target: string, home: string, reach: Reach): void {
  if (reach === 'setting' || leadsInto(target, home)) return;
  checkTarget(target, home);
}

/** Returns the mode for the root of the kept directory, like that of a mount over the target. */
export function rootModeFor(target: string, home: string): number {
  try {
    return leadsInto(target, home) || !statSync(target).isDirectory() ? defaultRootMode : rootMode(target);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return defaultRootMode;
  }
}

export interface ReachedTarget {
  /** Absolute, without symlinks. */
  readonly path: string;
  /** Directories that were missing, outermost first. */
  readonly made: readonly string[];
  /** Whether the path is a symlink of ours. */
  readonly isLink: boolean;
}

export interface TargetToReach {
  readonly files: StoreFiles;
  readonly home: string;
  readonly request: Pick<AttachRequest, 'target' | 'reach' | 'amongMounts'>;
  /** The kept directory. */
  readonly tree: string;
}

/** Creates what the command needs at the target. Throws E_MOUNT_POINT if something is in the way. */
export async function reachTarget({ files, home, request, tree }: TargetToReach): Promise<ReachedTarget> {
  const { target, reach } = request;
  if (reach === 'setting') return { path: target, made: [], isLink: false };
  // Another run with the same directory made the link. The last one to end removes it.
  if (reach === 'symlink' && linkAt(target) === tree) return { path: target, made: [], isLink: true };
  clearStaleLink(files, target, home);
  const path = checkTarget(target, home);
  if (reach === 'bind') return { path, made: makeTarget(files, path), isLink: false };
  const isThere = lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  if (isThere && !isEmptyDirectory(path)) {
    throw new CachelaneError('E_MOUNT_POINT', `${target} holds files, and nothing can be mounted over them here`, {
      hint: '`cachelane doctor` shows why; or give the volume its own directory',
    });
  }
  const made = makeTarget(files, dirname(path));
  const failures: unknown[] = [];
  await request.amongMounts((mounts) => {
    try {
      refuseMounted(mounts, path, target);
      layLink(files, path, tree);
    } catch (error) {
      failures.push(error);
    }
  });
  for (const error of failures) {
    // Another run was faster.
    if (errnoOf(error) !== undefined && linkAt(path) !== null) throw inTheWay(target);
    throw error;
  }
  return { path, made: isThere ? made : [...made, path], isLink: true };
}

/** Throws if the directory is a mount point in another mount namespace: removing it would detach that mount. */
function refuseMounted(mounts: readonly OthersMount[], path: string, target: string): void {
  const found = mounts.filter((mount) => isAtOrBelow(realOf(mount.path), path));
  if (found.length > 0)
    throw inTheWay(
      target,
      found.some(({ isStarted }) => !isStarted),
    );
}

function isAtOrBelow(path: string, dir: string): boolean {
  return path === dir || path.startsWith(`${dir}/`);
}

/** Returns the path unchanged if it does not exist. */
function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** Returns what replaced a symlink to the kept directory. Returns null if the link is intact or there was none. */
export function displacedBy({ path, isLink }: ReachedTarget, tree: string): Displaced | null {
  if (!isLink || linkAt(path) === tree) return null;
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 'nothing';
  return stat.isDirectory() ? 'directory' : 'something else';
}

/** Removes what attaching created: symlinks into the home, and empty directories. */
export function unlinkTargets(files: StoreFiles, home: string, paths: readonly string[]): void {
  for (const path of paths) {
    try {
      if (leadsInto(path, home)) files.unlink(path);
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
    }
  }
  removeEmptyDirs(files, paths);
}

function isEmptyDirectory(path: string): boolean {
  try {
    return lstatSync(path).isDirectory() && readdirSync(path).length === 0;
  } catch {
    return false;
  }
}

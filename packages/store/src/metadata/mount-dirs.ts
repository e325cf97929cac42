/**
 * Returns the directories that no target needs, deepest first. Paths are absolute and normalised.
 * A target needs every directory at, above and below it. Removing a mount point detaches the mount, and all mounts
 * below it, in every mount namespace.
 */
export function idleMountDirs(dirs: readonly string[], targets: readonly string[]): readonly string[] {
  const isNeeded = (dir: string): boolean => targets.some((target) => holds(dir, target) || holds(target, dir));
  return dirs.filter((dir) => !isNeeded(dir)).toSorted((a, b) => depth(b) - depth(a) || (a < b ? -1 : 1));
}

/** Returns whether `path` is `dir` or is below it. */
function holds(dir: string, path: string): boolean {
  return path === dir || path.startsWith(dir.endsWith('/') ? dir : `${dir}/`);
}

function depth(path: string): number {
  return path.split('/').filter((segment) => segment !== '').length;
}

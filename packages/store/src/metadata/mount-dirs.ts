/**
 * The directories that no target needs, deepest first. A target needs what lies at, above and below it: removing a
 * directory that something is mounted on detaches the mount in every mount namespace, and takes what is mounted below along.
 * All paths are absolute and normalised.
 */
export function idleMountDirs(dirs: readonly string[], targets: readonly string[]): readonly string[] {
  const isNeeded = (dir: string): boolean => targets.some((target) => holds(dir, target) || holds(target, dir));
  return dirs.filter((dir) => !isNeeded(dir)).toSorted((a, b) => depth(b) - depth(a) || (a < b ? -1 : 1));
}

/** True where `path` is `dir` or lies below it. */
function holds(dir: string, path: string): boolean {
  return path === dir || path.startsWith(dir.endsWith('/') ? dir : `${dir}/`);
}

function depth(path: string): number {
  return path.split('/').filter((segment) => segment !== '').length;
}

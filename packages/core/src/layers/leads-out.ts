import type { BytePath } from './byte-path.ts';

/**
 * A symlink's target must stay in the volume, whatever other symlinks it passes: as many `..` as it lies deep at most, all of them at the
 * beginning, where only directories of the layer are left. `target`: each character a byte.
 */
export function leadsOut(path: BytePath, target: string): boolean {
  const parts = target.split('/').filter((part) => part !== '' && part !== '.');
  const ups = parts.findIndex((part) => part !== '..');
  const up = ups < 0 ? parts.length : ups;
  const depth = path.split('/').length - 1;
  return target.startsWith('/') || up > depth || parts.slice(up).includes('..') || target.includes('\0');
}

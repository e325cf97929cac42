import type { BytePath } from './byte-path.ts';

/**
 * Returns whether a symlink's target may leave the volume through any other symlinks. It may not if all `..` are at
 * the beginning and no more than the link's depth. Each character of `target` is a byte.
 */
export function leadsOut(path: BytePath, target: string): boolean {
  const parts = target.split('/').filter((part) => part !== '' && part !== '.');
  const ups = parts.findIndex((part) => part !== '..');
  const up = ups < 0 ? parts.length : ups;
  const depth = path.split('/').length - 1;
  return target.startsWith('/') || up > depth || parts.slice(up).includes('..') || target.includes('\0');
}

import { lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import { CachelaneError } from '../errors/errors.ts';

/**
 * Whether there may be an engine at the socket. Whoever listens there is told the program's whole environment, and in a directory for temporary files anybody could have made the
 * place before its owner did: only a directory that nobody else can write to is believed. Errors: E_ENGINE_DENIED for any other one.
 */
export function isOwnSocketThere(path: string): boolean {
  const dir = dirname(path);
  const stats = lstatSync(dir, { throwIfNoEntry: false });
  // Nobody is asked at a place that is made only afterwards: an engine makes it, or finds that it is somebody else's.
  if (stats === undefined) return false;
  if (stats.isDirectory() && stats.uid === process.geteuid?.() && (stats.mode & 0o022) === 0) {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  }
  throw new CachelaneError(
    'E_ENGINE_DENIED',
    `${dir} is no directory that only you can write to: nobody is asked there`,
    {
      hint: 'remove it, or set CACHELANE_HOME to a short path of your own, or XDG_RUNTIME_DIR',
    },
  );
}

import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { CachelaneError, checkProvided, type Provider } from '@cachelane/core';

export interface UsableRequest {
  /** Absolute and plain. */
  readonly directory: string;
  /** Our own, which no command works in. */
  readonly storeDir: string;
}

/** Its real path, where commands can work in it. Nothing is made: what is missing may be a mount that is not there. Errors: E_NOT_FOUND, E_USAGE. */
export function usableDirectory({ directory, storeDir }: UsableRequest): string {
  const real = realOf(directory);
  if (!statSync(real).isDirectory()) throw refused(directory, 'is no directory');
  if (isIn(real, storeDir) || isIn(storeDir, real) || real === '/') {
    throw refused(directory, 'is where cachelane keeps its own, or holds it');
  }
  try {
    accessSync(real, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw refused(directory, 'is not ours to read and write', error);
  }
  return real;
}

/** A provider whose word for a directory is not enough: it is looked at as one that a person names. */
export function inUsableDirectory(provider: Provider, storeDir: string): Provider {
  return {
    kind: provider.kind,
    async provide(request, signal) {
      const said = checkProvided(await provider.provide(request, signal));
      if (said.kind !== 'directory') return said;
      return { ...said, directory: usableDirectory({ directory: said.directory, storeDir }) };
    },
  };
}

function realOf(directory: string): string {
  try {
    return realpathSync(directory);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw refused(directory, `cannot be reached (${code})`, error);
    throw new CachelaneError('E_NOT_FOUND', `there is no directory ${directory}`, {
      hint: 'it is not made: what is missing may be a mount that is not there',
      cause: error,
    });
  }
}

function isIn(inner: string, outer: string): boolean {
  return inner === outer || inner.startsWith(`${outer}/`);
}

function refused(directory: string, why: string, cause?: unknown): CachelaneError {
  return new CachelaneError('E_USAGE', `${directory} ${why}`, { hint: 'name a directory of its own', cause });
}

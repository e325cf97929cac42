import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { CachelaneError, checkProvided, type Provider } from '@cachelane/core';

export interface UsableRequest {
  /** Absolute and normalized. */
  readonly directory: string;
  /** The store, which no command may use. */
  readonly storeDir: string;
}

/**
 * Returns the real path of a directory that commands can use. Creates nothing: a missing directory may be a missing mount. Errors:
 * E_NOT_FOUND, E_USAGE.
 */
export function usableDirectory({ directory, storeDir }: UsableRequest): string {
  const real = realOf(directory);
  if (!statSync(real).isDirectory()) throw refused(directory, 'is not a directory');
  if (isIn(real, storeDir) || isIn(storeDir, real) || real === '/') {
    throw refused(directory, 'is the store of cachelane, or contains it');
  }
  try {
    accessSync(real, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw refused(directory, 'is not readable and writable for this user', error);
  }
  return real;
}

/** Wraps a provider so that its directories are checked like those that a person names. */
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
      hint: 'cachelane does not create it, since it may be a missing mount',
      cause: error,
    });
  }
}

function isIn(inner: string, outer: string): boolean {
  return inner === outer || inner.startsWith(`${outer}/`);
}

function refused(directory: string, why: string, cause?: unknown): CachelaneError {
  return new CachelaneError('E_USAGE', `${directory} ${why}`, { hint: 'name another directory', cause });
}

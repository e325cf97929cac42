import { statSync } from 'node:fs';
import { CachelaneError, parsePlainDirectory, type Provider } from '@cachelane/core';
import { usableDirectory } from './usable-directory.ts';

/** Provides a directory of this machine, used in place. */
export function directoryProvider({ storeDir }: { readonly storeDir: string }): Provider {
  return {
    kind: 'dir',
    async provide({ argument }) {
      const directory = parsePlainDirectory(argument, 'work in');
      return await Promise.resolve({ kind: 'directory', directory: usableDirectory({ directory, storeDir }) });
    },
  };
}

/** Seeds the project's volume with the tool's cache on this machine, if that exists. */
export const hostProvider: Provider = {
  kind: 'host',
  async provide({ place, volume }) {
    if (place === null) {
      throw new CachelaneError('E_VOLUME', `${volume} belongs to no tool, so this machine has no directory for it`, {
        hint: 'name a directory: dir:/path',
      });
    }
    const isThere = statSync(place, { throwIfNoEntry: false })?.isDirectory() === true;
    return await Promise.resolve(isThere ? { kind: 'seed', directory: place } : { kind: 'volume' });
  },
};

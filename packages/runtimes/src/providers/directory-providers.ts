import { statSync } from 'node:fs';
import { CachelaneError, parsePlainDirectory, type Provider } from '@cachelane/core';
import { usableDirectory } from './usable-directory.ts';

/** A directory of this machine, to work in. */
export function directoryProvider({ storeDir }: { readonly storeDir: string }): Provider {
  return {
    kind: 'dir',
    async provide({ argument }) {
      const directory = parsePlainDirectory(argument, 'work in');
      return await Promise.resolve({ kind: 'directory', directory: usableDirectory({ directory, storeDir }) });
    },
  };
}

/** What lies on this machine where the tool has its cache, below the project's own volume. Where there is nothing yet, nothing is below. */
export const hostProvider: Provider = {
  kind: 'host',
  async provide({ place, volume }) {
    if (place === null) {
      throw new CachelaneError('E_VOLUME', `${volume} is no tool's, so this machine has no place for it`, {
        hint: 'give it a directory: dir:/path',
      });
    }
    const isThere = statSync(place, { throwIfNoEntry: false })?.isDirectory() === true;
    return await Promise.resolve(isThere ? { kind: 'seed', directory: place } : { kind: 'volume' });
  },
};

import { invariant, type Mounter } from '@cachelane/core';
import type { MemoryMounter, MemoryVolume } from '@cachelane/testkit';

export interface MemoryDirectories extends Mounter {
  /** Returns the contents of a fork's directory. Throws if it does not exist. */
  directory(path: string): MemoryVolume;
}

/** The memory mounter for forks: each volume is a directory with a name. */
export function memoryDirectories(mounter: MemoryMounter): MemoryDirectories {
  const directories = new Map<string, MemoryVolume>();
  return {
    ...mounter,
    name: 'clone',
    async attach(request, signal) {
      const attached = await mounter.attach(request, signal);
      const path = `/forks/${request.sessionId}/${request.ordinal}`;
      directories.set(path, mounter.volume(attached.mount));
      return {
        ...attached,
        mount: { kind: 'directory', target: attached.mount.target, path, bind: false },
        release: async (releaseSignal) => {
          directories.delete(path);
          await attached.release(releaseSignal);
        },
      };
    },
    directory(path) {
      const found = directories.get(path);
      invariant(found !== undefined, `there is no directory ${path}`);
      return found;
    },
  };
}

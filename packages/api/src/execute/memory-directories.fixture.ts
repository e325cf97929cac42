import { invariant, type Mounter } from '@cachelane/core';
import type { MemoryMounter, MemoryVolume } from '@cachelane/testkit';

export interface MemoryDirectories extends Mounter {
  /** What lies in a directory of a fork. Throws for one that is not there. */
  directory(path: string): MemoryVolume;
}

/** The memory mounter as forks have it: each volume is a directory by a name. */
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

import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Mount } from '@cachelane/core';
import { layerName, linkedMount, type LinkedMount } from './sudo-chain.ts';

/** Folders of links beside the session's directories. Nothing follows them after mounting, since the command can change them. */
export interface MountLinks extends Disposable {
  readonly mounts: readonly LinkedMount[];
}

/** Gives the directories of each volume short plain names. Throws file system errors. */
export function linkMounts(dir: string, mounts: readonly Mount[]): MountLinks {
  // An earlier attempt may have been killed.
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { mode: 0o700 });
  const linked = mounts.map((mount, ordinal) => {
    const links = join(dir, String(ordinal));
    mkdirSync(links);
    if (mount.kind === 'directory') {
      symlinkSync(mount.path, join(links, 'b_'));
      return linkedMount(mount, links);
    }
    for (const [index, lowerDir] of mount.lowerDirs.entries()) symlinkSync(lowerDir, join(links, layerName(index)));
    symlinkSync(mount.upperDir, join(links, 'u_'));
    symlinkSync(mount.workDir, join(links, 'w_'));
    return linkedMount(mount, links);
  });
  return { mounts: linked, [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }) };
}

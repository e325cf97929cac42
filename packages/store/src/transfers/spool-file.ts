import { constants, rmSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { errnoOf } from '../files/file-errors.ts';
import { ensurePrivateDir } from '../files/home-paths.ts';
import { realFiles, type Owner } from '../files/store-files.ts';

/** One of the directories of files in transit, and who owns what is made there. */
export interface TransferDir {
  readonly path: string;
  readonly owner: Owner | null;
}

let spooled = 0;

/**
 * A new file that has lost its name before the first byte: it is there as long as it is open, and when its process dies, however it does, the kernel
 * frees the room. So nobody has to find out who is alive, and no sweep can take it from under a sender. (O_TMPFILE would do it in one step, on fewer
 * file systems.)
 */
export async function openSpoolFile({ path: dir, owner }: TransferDir): Promise<FileHandle> {
  ensurePrivateDir(realFiles, dir, owner);
  for (;;) {
    // Process ids repeat: in another container, after a death between these two steps.
    const path = `${dir}/${process.pid}.${++spooled}`;
    try {
      const file = await open(
        path,
        constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
        0o600,
      );
      rmSync(path, { force: true });
      return await handOver(file, owner);
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
    }
  }
}

/** What root opens in a user's home is the user's. */
export async function handOver(file: FileHandle, owner: Owner | null): Promise<FileHandle> {
  try {
    if (owner !== null) await file.chown(owner.uid, owner.gid);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

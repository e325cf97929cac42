import { constants, rmSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { errnoOf } from '../files/file-errors.ts';
import { ensurePrivateDir } from '../files/home-paths.ts';
import { realFiles, type Owner } from '../files/store-files.ts';

/** A directory for files in transit, and the owner of its files. */
export interface TransferDir {
  readonly path: string;
  readonly owner: Owner | null;
}

let spooled = 0;

/**
 * Creates a file and removes its name before the first write. The kernel frees its space when the process dies, and
 * no sweep can delete it during a transfer. (O_TMPFILE needs one step, but fewer file systems support it.)
 */
export async function openSpoolFile({ path: dir, owner }: TransferDir): Promise<FileHandle> {
  ensurePrivateDir(realFiles, dir, owner);
  for (;;) {
    // Process ids repeat in other containers, and after a crash between these steps.
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

/** Gives a file that root created in a user's home to that user. */
export async function handOver(file: FileHandle, owner: Owner | null): Promise<FileHandle> {
  try {
    if (owner !== null) await file.chown(owner.uid, owner.gid);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

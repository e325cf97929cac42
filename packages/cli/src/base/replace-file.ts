import { readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';

/** Codes for a path that can be written but not replaced: a mount, or a file in a read-only directory. */
const notReplaceable: readonly (string | undefined)[] = ['EBUSY', 'EXDEV', 'EACCES', 'EPERM', 'EROFS'];

/**
 * Replaces a file so that a reader sees the old or the new text. Writes to `/dev/stdout` and pipes directly, since a rename would replace them.
 * Throws errors of the file system.
 */
export function replaceFile(path: string, text: string): void {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats !== undefined && !stats.isFile()) {
    writeFileSync(path, text);
    return;
  }
  // Keep a symlink to the file.
  const target = stats === undefined ? path : realpathSync(path);
  const temporary = `${target}.${process.pid}.tmp`;
  try {
    rmSync(temporary, { force: true });
    writeFileSync(temporary, text, { flag: 'wx', mode: stats === undefined ? 0o666 : stats.mode & 0o777 });
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    if (stats === undefined || !notReplaceable.includes((error as NodeJS.ErrnoException).code)) throw error;
    overwrite(target, text);
  }
}

/** Overwrites in place, for example a file mounted into a container. Restores the old text if the disk is full. */
function overwrite(target: string, text: string): void {
  const before = readFileSync(target);
  try {
    writeFileSync(target, text);
  } catch (error) {
    writeFileSync(target, before);
    throw error;
  }
}

import { readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';

/** What is a mount of its own, or in a directory that is not ours, can be written and not replaced. */
const notReplaceable: readonly (string | undefined)[] = ['EBUSY', 'EXDEV', 'EACCES', 'EPERM', 'EROFS'];

/**
 * A reader sees the old file or the whole new one. What is no regular file (`/dev/stdout`, a pipe) is written to as it is, since renaming would put a file in its place. Throws errors of the file system.
 */
export function replaceFile(path: string, text: string): void {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats !== undefined && !stats.isFile()) {
    writeFileSync(path, text);
    return;
  }
  // A symlink to the file is kept.
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

/** A single file that is mounted into a container, for example. On a full disk it is as it was, as far as that can be had. */
function overwrite(target: string, text: string): void {
  const before = readFileSync(target);
  try {
    writeFileSync(target, text);
  } catch (error) {
    writeFileSync(target, before);
    throw error;
  }
}

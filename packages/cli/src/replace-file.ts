import { realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';

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
    // A single file that is mounted into a container can be written and not replaced.
    if (stats === undefined) throw error;
    writeFileSync(target, text);
  }
}

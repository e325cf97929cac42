import { statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Why the system did not read or write a file, and what to do. */
interface FileFault {
  readonly why: string;
  readonly hint: string;
}

/** Returns the fault of a file that could not be written. */
export function writeFault(path: string, error: unknown): FileFault {
  const dir = dirname(path);
  switch (codeOf(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return statSync(dir, { throwIfNoEntry: false })?.isDirectory() === true
        ? { why: `${dir} accepts no new files`, hint: 'name a file in another directory' }
        : { why: `there is no directory ${dir}`, hint: 'create it, or name another file' };
    case 'EISDIR':
      return { why: 'it is a directory', hint: 'name a file' };
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return { why: 'no permission', hint: 'name a file in a directory that this user can write to' };
    default:
      return { why: messageOf(error), hint: 'name another file' };
  }
}

/** Returns why a file could not be read, as one clause. */
export function readFault(error: unknown): string {
  switch (codeOf(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'there is no such file';
    case 'EISDIR':
      return 'it is a directory';
    case 'EACCES':
    case 'EPERM':
      return 'no permission';
    default:
      return messageOf(error);
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

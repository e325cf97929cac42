import { posix, win32 } from 'node:path';
import type { ToolEnvironment } from '@cachelane/core';

/** Pure path arithmetic for the operating system of the command, whatever this process runs on. */
export function pathsOf({ os }: Pick<ToolEnvironment, 'os'>): typeof posix {
  return os === 'win32' ? win32 : posix;
}

import { posix, win32 } from 'node:path';
import type { ToolEnvironment } from '@cachelane/core';

/** Returns the path functions for the operating system of the command. */
export function pathsOf({ os }: Pick<ToolEnvironment, 'os'>): typeof posix {
  return os === 'win32' ? win32 : posix;
}

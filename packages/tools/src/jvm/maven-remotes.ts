import { childPath, parentPath, type MergeDriver } from '@cachelane/core';
import { plainLinesDriver } from '../drivers/plain-lines.ts';

/** `_remote.repositories`: a line `left-1.0.jar>central=` for each file, and comments with the time of the last write. */
export const mavenRemotesDriver: MergeDriver = plainLinesDriver({
  contentOf: (line, path) => childPath(parentPath(path), line.slice(0, Math.max(line.indexOf('>'), 0)) || line),
  isComment: (line) => line.startsWith('#'),
});

import type { BytePath, MergeDriver } from '@cachelane/core';
import { linesDriver } from './lines.ts';
import { toBytes, toText } from './text.ts';

export interface PlainLinesOptions {
  /** Returns the path of the content that a line names. `path` is the file's own. */
  readonly contentOf: (line: string, path: BytePath) => BytePath;
  /** Returns whether the tool ignores the line. Without it, no line is ignored. */
  readonly isComment?: (line: string) => boolean;
}

/** Returns a driver for an unordered set of names, one a line, such as `list` of Go's module cache. */
export function plainLinesDriver({ contentOf, isComment = () => false }: PlainLinesOptions): MergeDriver {
  return linesDriver<string>({
    name: 'lines',
    parse(content) {
      const lines = toText(content)
        .split('\n')
        .filter((line) => line !== '' && !isComment(line));
      const names = lines.filter(isName);
      return names.length === 0 && lines.length > 0 ? null : [...new Set(names)];
    },
    write: (lines) => toBytes(lines.map((line) => `${line}\n`).join('')),
    unite: (lines) => [...new Set(lines)].toSorted(),
    added(pinned, mine) {
      const known = new Set(pinned);
      return mine.filter((line) => !known.has(line));
    },
    clamp: (line) => line,
    contents: (line, path) => [contentOf(line, path)],
  });
}

/** Rejects control characters (an interrupted write leaves NULs, cmd/go/internal/modfetch) and invalid UTF-8. */
function isName(line: string): boolean {
  // oxlint-disable-next-line no-control-regex -- the pattern looks for control characters
  return !/[\x00-\x1f\x7f\ufffd]/.test(line);
}

import type { BytePath, MergeDriver } from '@cachelane/core';
import { linesDriver } from './lines.ts';
import { toBytes, toText } from './text.ts';

export interface PlainLinesOptions {
  /** Where what a line names lies; `path` is the file's own. */
  readonly contentOf: (line: string, path: BytePath) => BytePath;
  /** Lines that say nothing to the tool, and are left out; none where it is absent. */
  readonly isComment?: (line: string) => boolean;
}

/** A set of names, one a line, whose order means nothing: `list` of Go's module cache. */
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

/** No control characters (a write that was cut short leaves NULs, cmd/go/internal/modfetch) and nothing but UTF-8. */
function isName(line: string): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return !/[\x00-\x1f\x7f\ufffd]/.test(line);
}

import { displayPath, type Entry } from '@cachelane/core';
import { changeOf, type PathDifference } from '@cachelane/engine';
import { formatBytes, formatTable, plural } from '../base/format.ts';

// Differences between two states of a volume, for `cachelane diff` and `cachelane rollback`.

/** Returns the entry that shows the kind of path: the later one if it exists. */
function shown({ before, after }: PathDifference): Entry | null {
  return after ?? before;
}

export interface DifferenceCounts {
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
  /** Growth of the visible size; negative if it shrinks. */
  readonly bytes: number;
}

export function countDifferences(differences: readonly PathDifference[]): DifferenceCounts {
  const counts = { added: 0, changed: 0, removed: 0, bytes: 0 };
  for (const difference of differences) {
    counts[changeOf(difference)]++;
    counts.bytes += (difference.after?.sizeBytes ?? 0) - (difference.before?.sizeBytes ?? 0);
  }
  return counts;
}

/** Returns `2 added, 1 removed, 1.2 kB more`. */
export function countsText({ added, changed, removed, bytes }: DifferenceCounts): string {
  const counts = [
    ...(added > 0 ? [`${added} added`] : []),
    ...(changed > 0 ? [`${changed} changed`] : []),
    ...(removed > 0 ? [`${removed} removed`] : []),
  ];
  if (counts.length === 0) return 'no path differs';
  const size = bytes === 0 ? 'the same size' : `${formatBytes(Math.abs(bytes))} ${bytes > 0 ? 'more' : 'less'}`;
  return `${counts.join(', ')}, ${size}`;
}

export function differenceJson(difference: PathDifference): unknown {
  const { path, before, after } = difference;
  return {
    path: displayPath(path),
    change: changeOf(difference),
    class: shown(difference)?.mergeClass,
    type: shown(difference)?.type,
    before: sideJson(before),
    after: sideJson(after),
  };
}

function sideJson(entry: Entry | null): unknown {
  return entry === null ? null : { type: entry.type, sizeBytes: entry.sizeBytes, digest: entry.digest };
}

const right = { align: 'right' } as const;

export function differenceTable(differences: readonly PathDifference[]): string {
  return formatTable(
    [
      { title: 'CHANGE' },
      { title: 'CLASS' },
      { title: 'TYPE' },
      { title: 'BEFORE', ...right },
      { title: 'AFTER', ...right },
      { title: 'PATH' },
    ],
    differences.map((difference) => [
      changeOf(difference),
      shown(difference)?.mergeClass ?? '',
      shown(difference)?.type ?? '',
      sizeText(difference.before),
      sizeText(difference.after),
      displayPath(difference.path),
    ]),
  );
}

function sizeText(entry: Entry | null): string {
  return entry?.type === 'file' ? formatBytes(entry.sizeBytes) : '-';
}

/** Returns the first few paths with a sign. `diff` prints all. */
export function summaryLines(differences: readonly PathDifference[], count: number): string {
  const signs = { added: '+', changed: '~', removed: '-' } as const;
  const lines = differences.slice(0, count).map((each) => `  ${signs[changeOf(each)]} ${displayPath(each.path)}\n`);
  const more = differences.length - lines.length;
  return lines.join('') + (more > 0 ? `  and ${plural(more, 'more path', 'more paths')}\n` : '');
}

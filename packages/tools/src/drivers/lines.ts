import {
  digestOf,
  type BytePath,
  type Composition,
  type MergeDriver,
  type Subtraction,
  type Version,
} from '@cachelane/core';
import { allEqual, isOversize, pickAlike, pickNearest, type IndexedVersion } from './pick.ts';

/** A file of lines that several writers append to. */
export interface LineFormat<Line> {
  readonly name: string;
  /** Returns the valid lines in file order, without lines that later ones replaced; null if the content has another format. */
  parse(content: Uint8Array): readonly Line[] | null;
  /** Returns a file with these lines, so that `parse` returns them again. */
  write(lines: readonly Line[]): Uint8Array;
  /** Merges lines of several files: one line for each name, in an order that does not depend on the files' order. */
  unite(lines: readonly Line[]): readonly Line[];
  /** Returns the lines of `mine` that add something to `pinned`. */
  added(pinned: readonly Line[], mine: readonly Line[]): readonly Line[];
  /** Returns the line with its time lowered to the seal's; the same object if the time is not later. */
  clamp(line: Line, sealedAtMs: number): Line;
  /** Returns false for a line with a credential, which must not be stored. Absent if no line can have one. */
  mayStore?(line: Line): boolean;
  /** Returns paths of which any one satisfies the line; null if the line needs no content. `path` is the file's own. */
  contents(line: Line, path: BytePath): readonly BytePath[] | null;
}

interface Parsed<Line> extends IndexedVersion {
  readonly lines: readonly Line[];
  readonly clamped: boolean;
}

/**
 * Class A: a run stores the lines that it added, as a file of the same format. A view is their union, with the newest line for
 * each name. An unreadable file counts as empty. A file over the size limit is picked whole, so that nothing of it is lost.
 */
export function linesDriver<Line>(format: LineFormat<Line>): MergeDriver {
  const parse = (version: Version): readonly Line[] | null =>
    isOversize(version) ? null : format.parse(version.content());

  const parseAt = (version: Version, index: number): Parsed<Line> | null => {
    const original = parse(version);
    if (original === null) return null;
    const lines = original.map((line) => format.clamp(line, version.sealedAtMs));
    return { index, version, lines, clamped: lines.some((line, at) => line !== original[at]) };
  };

  const whole: Subtraction = { form: 'whole' };

  return {
    name: format.name,
    version: 1,
    merges: true,
    same(pinned, mine) {
      if (allEqual([pinned, mine])) return true;
      const before = parse(pinned);
      const after = parse(mine);
      return before !== null && after !== null && format.added(before, after).length === 0;
    },
    subtract(pinned, mine) {
      const before = parse(pinned);
      const after = parse(mine);
      if (before === null || after === null) return whole;
      return { form: 'delta', content: format.write(format.unite(format.added(before, after))) };
    },
    compose(versions): Composition {
      const oversize = versions.findIndex(isOversize);
      if (oversize >= 0) return { kind: 'pick', index: oversize, opinion: allEqual(versions) };
      const parsed = versions.map(parseAt).filter((version) => version !== null);
      if (parsed.length === 0) return pickNearest(versions);
      return pickAlike(parsed) ?? composeLines(format, parsed);
    },
    clean(mine) {
      const lines = format.mayStore === undefined ? null : parse(mine);
      if (lines === null) return null;
      const left = lines.filter((line) => format.mayStore?.(line) ?? true);
      return left.length === lines.length ? null : format.write(left);
    },
    close(version, path, has) {
      const lines = parse(version);
      if (lines === null) return null;
      const left = lines.filter((line) => format.contents(line, path)?.some(has) ?? true);
      return left.length === lines.length ? null : format.write(left);
    },
  };
}

function composeLines<Line>(format: LineFormat<Line>, parsed: readonly Parsed<Line>[]): Composition {
  const content = format.write(format.unite(parsed.flatMap(({ lines }) => lines)));
  const digest = digestOf(content);
  // One version may equal the answer already, unless its times were lowered: these would be lowered again by the next compose.
  const same = parsed.find(({ version, clamped }) => version.form === 'whole' && !clamped && version.digest === digest);
  return same === undefined ? { kind: 'content', content } : { kind: 'pick', index: same.index, opinion: true };
}

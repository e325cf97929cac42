import {
  digestOf,
  type BytePath,
  type Composition,
  type MergeDriver,
  type Subtraction,
  type Version,
} from '@cachelane/core';
import { allEqual, isOversize, pickAlike, pickNearest, type IndexedVersion } from './pick.ts';

/** A file made of lines that any number of writers append to; what one kind of line means. */
export interface LineFormat<Line> {
  readonly name: string;
  /** The lines that count, in their order, without those that later lines replaced; null for content that is no such file. */
  parse(content: Uint8Array): readonly Line[] | null;
  /** A file with these lines: what `parse` makes of it is what it was made of. */
  write(lines: readonly Line[]): Uint8Array;
  /** Lines of several files to those of one: one line for each name, in an order that does not depend on theirs. */
  unite(lines: readonly Line[]): readonly Line[];
  /** Lines of `mine` that say what `pinned` does not. */
  added(pinned: readonly Line[], mine: readonly Line[]): readonly Line[];
  /** The line without a time later than this, and the very same object where it has none. */
  clamp(line: Line, sealedAtMs: number): Line;
  /** False for a line that must never be stored: it holds a credential. Absent where no line can. */
  mayStore?(line: Line): boolean;
  /** Paths any one of which holds what the line names; null for a line that needs no content. `path` is the file's own. */
  contents(line: Line, path: BytePath): readonly BytePath[] | null;
}

interface Parsed<Line> extends IndexedVersion {
  readonly lines: readonly Line[];
  readonly clamped: boolean;
}

/**
 * Class A: what a run stores is the lines that it added, a file like the others; a view is the union, the newest line for
 * each name. What cannot be read holds no line and takes no part, unless it is too large to be looked at: then nobody can
 * know what would be lost, and it is picked whole.
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
  // One of them may be the answer already; not with times that would be lowered when it is composed again.
  const same = parsed.find(({ version, clamped }) => version.form === 'whole' && !clamped && version.digest === digest);
  return same === undefined ? { kind: 'content', content } : { kind: 'pick', index: same.index, opinion: true };
}

import { digestOf, type Composition, type Digest, type MergeDriver, type Version } from '@cachelane/core';
import { allEqual, isOversize, pickAlike, pickNearest, type IndexedVersion } from './pick.ts';

/** Content with a number that grows each time it is written, such as a time or a log size. */
export interface Stamped {
  readonly stamp: bigint;
  /** The rest of the content. Two contents with equal rests mean the same. */
  readonly rest: string;
}

/** How one file format carries its stamp. */
export interface StampFormat {
  readonly name: string;
  /** Returns null for content in another format. */
  parse(content: Uint8Array): Stamped | null;
  /** Whether a newer stamp alone is a change. */
  readonly stampMatters: boolean;
  /** Null if the stamp is not a time, so no clock can set it wrong. */
  readonly clock: StampClock | null;
}

export interface StampClock {
  /** Returns the greatest plausible stamp for this seal time. Grows with the time. */
  latest(sealedAtMs: number): bigint;
  /** Returns the same content with another stamp. */
  write(stamped: Stamped): Uint8Array;
}

interface Candidate extends Stamped, IndexedVersion {
  readonly digest: Digest;
  /** The content with its stamp lowered, if it lay in the future. Unchanged, it would win every later compose. */
  readonly lowered: Uint8Array | null;
}

/** Class L: the version with the greatest stamp wins; on a tie, the greatest digest. An unreadable version never beats a readable one. */
export function newestDriver(format: StampFormat): MergeDriver {
  const parse = (version: Version): Stamped | null =>
    version.form === 'delta' || isOversize(version) ? null : format.parse(version.content());

  const toCandidate = (version: Version, index: number): Candidate | null => {
    const parsed = parse(version);
    if (parsed === null) return null;
    const latest = format.clock?.latest(version.sealedAtMs);
    if (format.clock === null || latest === undefined || parsed.stamp <= latest) {
      return { ...parsed, index, version, digest: version.digest, lowered: null };
    }
    const lowered = format.clock.write({ ...parsed, stamp: latest });
    return { ...parsed, stamp: latest, index, version, digest: digestOf(lowered), lowered };
  };

  return {
    name: format.name,
    version: 1,
    merges: true,
    same(pinned, mine) {
      if (allEqual([pinned, mine])) return true;
      const before = parse(pinned);
      const after = parse(mine);
      if (before === null || after === null) return false;
      return before.rest === after.rest && !(format.stampMatters && before.stamp !== after.stamp);
    },
    subtract: () => ({ form: 'whole' }),
    compose(versions): Composition {
      const candidates = versions.map(toCandidate).filter((candidate) => candidate !== null);
      const [first, ...others] = candidates;
      if (first === undefined) return pickNearest(versions);
      const alike = pickAlike(candidates);
      if (alike !== null) return alike;
      const best = others.reduce((winner, next) => (isNewer(next, winner) ? next : winner), first);
      return best.lowered === null
        ? { kind: 'pick', index: best.index, opinion: true }
        : { kind: 'content', content: best.lowered };
    },
  };
}

function isNewer(a: Candidate, b: Candidate): boolean {
  return a.stamp === b.stamp ? a.digest > b.digest : a.stamp > b.stamp;
}

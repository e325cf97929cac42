import { digestOf, type Composition, type Digest, type MergeDriver, type Version } from '@cachelane/core';
import { allEqual, isOversize, pickAlike, pickNearest, type IndexedVersion } from './pick.ts';

/** Content with a number in it that grows with every writing: a time, a size of an append-only log. */
export interface Stamped {
  readonly stamp: bigint;
  /** Everything else: two contents with equal rests say the same thing. */
  readonly rest: string;
}

/** How one kind of file carries its stamp. */
export interface StampFormat {
  readonly name: string;
  /** Null for content in any other format. */
  parse(content: Uint8Array): Stamped | null;
  /** Whether a newer stamp alone is a change. */
  readonly stampMatters: boolean;
  /** Null where the stamp is no time, so that no clock can have set it wrong. */
  readonly clock: StampClock | null;
}

export interface StampClock {
  /** The latest stamp that a file can honestly have that the store saw sealed at this time; grows with it. */
  latest(sealedAtMs: number): bigint;
  /** The same content with another stamp. */
  write(stamped: Stamped): Uint8Array;
}

interface Candidate extends Stamped, IndexedVersion {
  readonly digest: Digest;
  /** New content, where the stamp lay in the future: left as it is, it would win when it is composed again. */
  readonly lowered: Uint8Array | null;
}

/**
 * Class L: the version with the greatest stamp stands for all, then the one with the greatest digest. A version that
 * cannot be read never beats one that can.
 */
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

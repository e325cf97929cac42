import { CachelaneError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { escapeSegment, isEscapedSegment, shortenEscaped } from '../names/segment.ts';

/** Lowest first. */
export const trustLevels = ['T0', 'T1', 'T2', 'T3'] as const;
export type TrustLevel = (typeof trustLevels)[number];
/**
 * The writer of a head, such as `t1:ref:feat-a`: trust level, kind and ref. The ref is escaped like a namespace
 * segment but keeps `/`.
 */
export type LaneName = string & { readonly __laneName: unique symbol };

/** A placeholder in read chains for the seed below all lanes. It is never written. */
export const seedLane = 'seed' as LaneName;

/** What a lane is named after. */
export type LaneKind = 'env' | 'ref' | 'tag' | 'pr' | 'mq' | 'user' | 'local' | 'run';

/** The possible levels of each kind. */
const kinds: Readonly<Record<LaneKind, readonly TrustLevel[]>> = {
  /** A protected environment of a release job. */
  env: ['T3'],
  /** A branch. */
  ref: ['T1', 'T2'],
  tag: ['T1', 'T2'],
  /** A pull or merge request of the repository itself, by number. */
  pr: ['T1'],
  /** The merge queue or train of a branch. */
  mq: ['T1'],
  user: ['T1'],
  /** A user's own machine without a hub; has no ref. */
  local: ['T1'],
  /** An untrusted run, by id. */
  run: ['T0'],
};

/** The parts of a lane name. */
export interface Lane {
  readonly trust: TrustLevel;
  readonly kind: LaneKind;
  /** As {@link escapeRef} writes it; empty only for `local`. */
  readonly ref: string;
}

/** Parses a lane name. Throws E_USAGE for text that {@link formatLane} does not write. */
export function parseLane(text: string): Lane {
  const found = /^t([0-3]):([a-z]+)(?::(.+))?$/s.exec(text);
  const [, level = '', kind = '', ref = ''] = found ?? [];
  const lane = { trust: `T${level}` as TrustLevel, kind: kind as LaneKind, ref };
  if (found === null || !isLane(lane) || nameOf(lane) !== text) {
    throw new CachelaneError('E_USAGE', `not a lane: ${JSON.stringify(text.slice(0, 200))}`, {
      hint: 'a lane looks like this: t1:local, t1:ref:main, t1:pr:12',
    });
  }
  return lane;
}

/** Returns the name of a lane. Throws E_INTERNAL for an unescaped ref, or a level that the kind does not have. */
export function formatLane(lane: Lane): LaneName {
  if (!isLane(lane)) throw new CachelaneError('E_INTERNAL', `no such lane: ${JSON.stringify(lane)}`);
  return nameOf(lane);
}

function nameOf({ trust, kind, ref }: Lane): LaneName {
  return `${trust.toLowerCase()}:${kind}${ref === '' ? '' : `:${ref}`}` as LaneName;
}

function isLane({ trust, kind, ref }: Lane): boolean {
  if (!Object.hasOwn(kinds, kind) || !kinds[kind].includes(trust)) return false;
  if (kind === 'local') return ref === '';
  return ref !== '' && ref.length <= limits.laneRefBytes && ref.split('/').every(isEscapedSegment);
}

/**
 * Returns a branch name, a user or an id as the ref of a lane. Each part between slashes is escaped like a namespace
 * segment, empty parts are dropped, and text over `limits.laneRefBytes` ends in a hash. Returns null if nothing is
 * left. Never throws.
 */
export function escapeRef(text: string): string | null {
  const parts = text
    .split('/')
    .filter((part) => part !== '')
    .map(escapeSegment);
  return parts.length === 0 ? null : shortenEscaped(parts.join('/'), limits.laneRefBytes);
}

/** Returns the trust level without parsing, because chains ask for it often and the brand ensures validity. */
export function laneTrust(lane: LaneName): TrustLevel {
  return `T${lane[1] ?? '0'}` as TrustLevel;
}

/** Returns a negative number if `a` is trusted less than `b`. */
export function compareTrust(a: TrustLevel, b: TrustLevel): number {
  return trustLevels.indexOf(a) - trustLevels.indexOf(b);
}

/** Returns the lowest of the levels; T0 for none. */
export function lowest(levels: readonly TrustLevel[]): TrustLevel {
  return levels.length === 0 ? 'T0' : levels.reduce((low, level) => (compareTrust(level, low) < 0 ? level : low));
}

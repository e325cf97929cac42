import { CachelaneError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { escapeSegment, isEscapedSegment, shortenEscaped } from '../names/segment.ts';

/** Lowest first. */
export const trustLevels = ['T0', 'T1', 'T2', 'T3'] as const;
export type TrustLevel = (typeof trustLevels)[number];
/** `t1:ref:feat-a`: who writes. Trust level, kind and ref, the ref escaped like a namespace segment but with `/` kept. */
export type LaneName = string & { readonly __laneName: unique symbol };

/** Stands where a lane stands in what a run reads, for the seed below all of them. No lane has this name: nothing is ever written there. */
export const seedLane = 'seed' as LaneName;

/** What a lane is named after. */
export type LaneKind = 'env' | 'ref' | 'tag' | 'pr' | 'mq' | 'user' | 'local' | 'run';

/** The levels at which each kind can be. */
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
  /** A machine of one's own without a hub; has no ref. */
  local: ['T1'],
  /** A run that nobody vouches for, by id. */
  run: ['T0'],
};

/** A lane taken apart. */
export interface Lane {
  readonly trust: TrustLevel;
  readonly kind: LaneKind;
  /** As {@link escapeRef} writes it; empty for `local` only. */
  readonly ref: string;
}

/** Throws E_USAGE for what {@link formatLane} does not write. */
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

/** Throws E_INTERNAL for a lane that cannot be: a ref that is not escaped, a kind at a level that it does not have. */
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
 * Writes a branch name, a user or an id as the ref of a lane: each part between slashes is escaped like a segment of a
 * namespace, empty parts go, what is over `limits.laneRefBytes` ends in a hash. Null when nothing is left. Never throws.
 */
export function escapeRef(text: string): string | null {
  const parts = text
    .split('/')
    .filter((part) => part !== '')
    .map(escapeSegment);
  return parts.length === 0 ? null : shortenEscaped(parts.join('/'), limits.laneRefBytes);
}

/** The brand says that it was parsed, so nothing is parsed again: this is asked for each link of each chain. */
export function laneTrust(lane: LaneName): TrustLevel {
  return `T${lane[1] ?? '0'}` as TrustLevel;
}

/** Negative when `a` is trusted less than `b`. */
export function compareTrust(a: TrustLevel, b: TrustLevel): number {
  return trustLevels.indexOf(a) - trustLevels.indexOf(b);
}

/** The level of somebody about whom several things are known; T0 when nothing is. */
export function lowest(levels: readonly TrustLevel[]): TrustLevel {
  return levels.length === 0 ? 'T0' : levels.reduce((low, level) => (compareTrust(level, low) < 0 ? level : low));
}

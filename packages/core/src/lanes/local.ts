import { escapeRef, formatLane, type Lane, type LaneName, lowest, type TrustLevel } from './lane.ts';
import type { Hint, PlatformHints, RefHint, TrustSignal } from './platform-hints.ts';

/** The lane of a run without a hub. */
export interface LaneDecision {
  readonly lane: LaneName;
  readonly trust: TrustLevel;
  readonly canWrite: boolean;
  /** The lane of the target branch of a pull request or merge queue. */
  readonly base: LaneName | null;
  readonly defaultLane: LaneName | null;
  /** The lane that is read from parents; null if unknown. */
  readonly parentLane: LaneName | null;
  /** One clause of display text. */
  readonly why: string;
  /** The source of the lane: `GITHUB_REF in the environment`. */
  readonly source: string;
}

const laptop = formatLane({ trust: 'T1', kind: 'local', ref: '' });

/**
 * Returns the lane of a run without a hub. Outside CI it is `t1:local`, shared by all branches of a project. In CI,
 * variables name the lane. They are unsigned, so they give at most T1; without them the run is T0 and saves nothing.
 * Never throws.
 */
export function laneWithoutHub(hints: PlatformHints | null): LaneDecision {
  if (hints === null) return ofLaptop();
  const ref = hints.ref === null ? null : namedLane(hints.ref);
  const doubts: readonly TrustSignal[] =
    ref === null ? [{ level: 'T0', why: 'no variable names what the run builds', source: hints.platform }] : [];
  // Put the platform's own signals first: they are better reasons.
  const signals = [...hints.signals, ...doubts];
  const trust = lowest(['T1', ...signals.map((signal) => signal.level)]);
  const defaultLane = branchLane(hints.defaultBranch);
  if (trust === 'T0' || ref === null) return untrusted(hints, defaultLane, signals);

  const base = branchLane(hints.base);
  const own = formatLane(ref.lane);
  return {
    lane: own,
    trust,
    canWrite: true,
    base,
    defaultLane,
    // If no variable names the default branch, a branch build reads the parents' branch of the same name.
    parentLane: defaultLane ?? base ?? (ref.lane.kind === 'ref' ? own : null),
    why: `${ref.title} on ${hints.platform}; without a hub its variables give at most T1`,
    source: ref.source,
  };
}

function ofLaptop(): LaneDecision {
  return {
    lane: laptop,
    trust: 'T1',
    canWrite: true,
    base: null,
    defaultLane: null,
    parentLane: laptop,
    why: 'this is no CI job, so it uses the lane of this machine, which all branches share',
    source: 'no variable names a CI system',
  };
}

/** The base of an untrusted run is ignored; everyone may read the default branch. */
function untrusted(hints: PlatformHints, defaultLane: LaneName | null, signals: readonly TrustSignal[]): LaneDecision {
  const id = escapeRef(hints.runId?.value ?? '') ?? 'unknown';
  const signal = signals.find(({ level }) => level === 'T0');
  return {
    lane: formatLane({ trust: 'T0', kind: 'run', ref: id }),
    trust: 'T0',
    canWrite: false,
    base: null,
    defaultLane,
    parentLane: defaultLane,
    why: `${signal?.why ?? 'the run is untrusted'}: it reads caches, but saves nothing`,
    source: signal?.source ?? hints.platform,
  };
}

interface NamedLane {
  readonly lane: Lane;
  readonly title: string;
  readonly source: string;
}

/** Returns null for a hint that names no lane. */
function namedLane(hint: RefHint): NamedLane | null {
  const { kind, value, source } = hint;
  if (kind === 'pr' && !/^[1-9]\d{0,17}$/.test(value)) return null;
  const ref = escapeRef(value);
  if (ref === null) return null;
  const titles = { ref: 'branch', tag: 'tag', pr: 'pull request', mq: 'merge queue for' } as const;
  return { lane: { trust: 'T1', kind, ref }, title: `${titles[kind]} ${ref}`, source };
}

function branchLane(hint: Hint | null): LaneName | null {
  const ref = hint === null ? null : escapeRef(hint.value);
  return ref === null ? null : formatLane({ trust: 'T1', kind: 'ref', ref });
}

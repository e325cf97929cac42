import type { TrustLevel } from './lane.ts';

/** Something that an environment variable or an event file says. Nobody signed it. */
export interface Hint {
  readonly value: string;
  /** For people: `GITHUB_REF in the environment`. */
  readonly source: string;
}

/** What the run is for. For `pr` the value is its number, for `mq` the branch that the queue goes to. */
export interface RefHint extends Hint {
  readonly kind: 'ref' | 'tag' | 'pr' | 'mq';
}

/** A reason to trust a run less. */
export interface TrustSignal {
  readonly level: TrustLevel;
  /** One clause: `pull request from a fork`. */
  readonly why: string;
  readonly source: string;
}

/**
 * A CI system's variables, read. Hints choose the names of lanes and lower the level; nothing in here can raise it, so
 * whatever is missing or does not parse is null, and a doubt is one more signal.
 */
export interface PlatformHints {
  /** `GitHub Actions`. */
  readonly platform: string;
  readonly event: Hint | null;
  /** Null where nothing says what the run is for: then it is T0. */
  readonly ref: RefHint | null;
  /** Branch that a pull request or merge queue goes to. */
  readonly base: Hint | null;
  readonly defaultBranch: Hint | null;
  readonly runId: Hint | null;
  /** Commit that the platform says it runs. */
  readonly revision: string | null;
  readonly workflow: string | null;
  readonly signals: readonly TrustSignal[];
}

import type { TrustLevel } from './lane.ts';

/** A value from an environment variable or event file. It is unsigned. */
export interface Hint {
  readonly value: string;
  /** For people: `GITHUB_REF in the environment`. */
  readonly source: string;
}

/** What the run builds. For `pr` the value is its number, for `mq` the target branch of the queue. */
export interface RefHint extends Hint {
  readonly kind: 'ref' | 'tag' | 'pr' | 'mq';
}

/** A reason to lower the trust of a run. */
export interface TrustSignal {
  readonly level: TrustLevel;
  /** One clause: `pull request from a fork`. */
  readonly why: string;
  readonly source: string;
}

/**
 * The parsed variables of a CI system. Hints name lanes and lower the level, but never raise it. Missing or invalid
 * values are null, and doubts become signals.
 */
export interface PlatformHints {
  /** `GitHub Actions`. */
  readonly platform: string;
  readonly event: Hint | null;
  /** Null if unknown; the run is then T0. */
  readonly ref: RefHint | null;
  /** The target branch of a pull request or merge queue. */
  readonly base: Hint | null;
  readonly defaultBranch: Hint | null;
  readonly runId: Hint | null;
  /** The commit that the platform reports. */
  readonly revision: string | null;
  readonly workflow: string | null;
  readonly signals: readonly TrustSignal[];
}

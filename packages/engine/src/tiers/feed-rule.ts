import {
  type FeedRecord,
  type LaneName,
  type Namespace,
  type VolumeName,
  isCovered,
  laneTrust,
  personalLane,
} from '@cachelane/core';

/** A run's save, as feed rules match it. */
export interface Feeding {
  /** Every name of the run's namespace. */
  readonly names: readonly Namespace[];
  readonly volume: VolumeName;
  readonly lane: LaneName;
  /** The default branch's lane, as far as the run knows. */
  readonly defaultLane: LaneName | null;
}

/** Returns why a rule does not apply to a save, one clause of display text; null if it does. */
export function whyNotFed(rule: FeedRecord, { names, volume, lane, defaultLane }: Feeding): string | null {
  if (laneTrust(lane) === 'T0') return 'the run is untrusted';
  if (!isCovered(rule.from, names)) return 'it is for other projects';
  if (rule.volume !== null && rule.volume !== volume) return `it is for ${rule.volume}`;
  if (rule.lanes !== 'default') return rule.lanes === lane ? null : `it is for lane ${rule.lanes}`;
  return lane === defaultLane || lane === personalLane ? null : 'it is for the default branch';
}

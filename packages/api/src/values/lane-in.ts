import { parseLane, type LaneName } from '@cachelane/core';

/** A lane as a client names it; null where it names none. Errors: E_USAGE. */
export function laneIn(text: string | null | undefined): LaneName | null {
  if (text === null || text === undefined) return null;
  parseLane(text);
  return text as LaneName;
}

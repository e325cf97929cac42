import { parseLane, type LaneName } from '@cachelane/core';

/** Parses a client's lane name; null if none. Errors: E_USAGE. */
export function laneIn(text: string | null | undefined): LaneName | null {
  if (text === null || text === undefined) return null;
  parseLane(text);
  return text as LaneName;
}

import type { PlatformHints } from '@cachelane/core';
import { github } from './github.ts';
import { gitlab } from './gitlab.ts';
import { unknownPlatform } from './unknown.ts';
import type { Platform, PlatformRequest } from './platform.ts';

/** Platforms in order of detection. The last one stands for unknown CI systems. */
const platforms: readonly Platform[] = [github, gitlab, unknownPlatform];

/**
 * Returns what the CI system says about the run; null outside CI. `CI=true` alone does not count, since people set it on their own machines.
 * Never throws: missing or malformed values lower the trust level.
 */
export function readPlatform(request: PlatformRequest): PlatformHints | null {
  const platform = platforms.find((candidate) => candidate.detect(request.env));
  return platform?.read(request) ?? null;
}

/** Returns the CI system's name; null outside CI. */
export function platformName(env: PlatformRequest['env']): string | null {
  return readPlatform({ env, readText: () => undefined })?.platform ?? null;
}

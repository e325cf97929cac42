import type { PlatformHints } from '@cachelane/core';
import { github } from './github.ts';
import { gitlab } from './gitlab.ts';
import { unknownPlatform } from './unknown.ts';
import type { Platform, PlatformRequest } from './platform.ts';

/** Those whose variables say what a run is. The last one takes the CI systems that nobody has taught us yet. */
const platforms: readonly Platform[] = [github, gitlab, unknownPlatform];

/**
 * What the CI system that we run in says about the run; null where there is none. A bare `CI=true` is none: people set
 * it on their own machines. Never throws: what is missing or malformed lowers the run's level.
 */
export function readPlatform(request: PlatformRequest): PlatformHints | null {
  const platform = platforms.find((candidate) => candidate.detect(request.env));
  return platform?.read(request) ?? null;
}

/** The CI system that we run in, by name; null where there is none. */
export function platformName(env: PlatformRequest['env']): string | null {
  return readPlatform({ env, readText: () => undefined })?.platform ?? null;
}

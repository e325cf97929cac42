import type { PlatformHints } from '@cachelane/core';
import { inEnvironment, type Platform, variable } from './platform.ts';

/** Variables that only the CI system itself sets, and its name. */
const markers: Readonly<Record<string, string>> = {
  APPVEYOR: 'AppVeyor',
  BITBUCKET_BUILD_NUMBER: 'Bitbucket Pipelines',
  BUILDKITE: 'Buildkite',
  CIRCLECI: 'CircleCI',
  CIRRUS_CI: 'Cirrus CI',
  CODEBUILD_BUILD_ID: 'AWS CodeBuild',
  DRONE: 'Drone',
  JENKINS_URL: 'Jenkins',
  SEMAPHORE: 'Semaphore',
  TEAMCITY_VERSION: 'TeamCity',
  TF_BUILD: 'Azure Pipelines',
  TRAVIS: 'Travis CI',
};

/**
 * A CI system whose variables we cannot read. It builds forks as well as its own branches, and we cannot tell which, so
 * the run is T0: it reads, and saves nothing. A file beside this one that can tell is all that it takes to change that.
 */
export const unknownPlatform: Platform = {
  detect: (env) => markerIn(env) !== undefined,
  read({ env }) {
    const marker = markerIn(env) ?? '';
    const platform = markers[marker] ?? marker;
    const why = `it cannot be told whose change ${platform} builds`;
    return {
      platform,
      event: null,
      ref: null,
      base: null,
      defaultBranch: null,
      runId: null,
      revision: null,
      workflow: null,
      signals: [{ level: 'T0', why, source: inEnvironment(marker) }],
    } satisfies PlatformHints;
  },
};

function markerIn(env: Readonly<Record<string, string | undefined>>): string | undefined {
  return Object.keys(markers).find((name) => variable(env, name) !== null);
}

import type { PlatformHints } from '@cachelane/core';
import { type Environment, inEnvironment, type Platform, variable } from './platform.ts';

/** Variables that only a CI system sets, with its name. */
const markers: Readonly<Record<string, string>> = {
  AC_APPCIRCLE: 'Appcircle',
  AGOLA_GIT_REF: 'Agola',
  APPVEYOR: 'AppVeyor',
  ATC_EXTERNAL_URL: 'Concourse',
  BITBUCKET_BUILD_NUMBER: 'Bitbucket Pipelines',
  BITRISE_IO: 'Bitrise',
  BUDDY_WORKSPACE_ID: 'Buddy',
  BUILDER_OUTPUT: 'Google Cloud Build',
  BUILDKITE: 'Buildkite',
  BUILD_SUBMITTER: 'sourcehut',
  CF_BUILD_ID: 'Codefresh',
  CIRCLECI: 'CircleCI',
  CIRRUS_CI: 'Cirrus CI',
  CI_SYSTEM_NAME: 'Woodpecker',
  CI_XCODE_PROJECT: 'Xcode Cloud',
  CM_BUILD_ID: 'Codemagic',
  CODEBUILD_BUILD_ID: 'AWS CodeBuild',
  DRONE: 'Drone',
  EAS_BUILD: 'Expo Application Services',
  GERRIT_PROJECT: 'Gerrit',
  GO_PIPELINE_NAME: 'GoCD',
  HARNESS_BUILD_ID: 'Harness',
  HARNESS_PIPELINE_ID: 'Harness',
  HEROKU_TEST_RUN_ID: 'Heroku CI',
  HUDSON_URL: 'Hudson',
  JB_SPACE_EXECUTION_NUMBER: 'JetBrains Space',
  JENKINS_URL: 'Jenkins',
  PROW_JOB_ID: 'Prow',
  SAILCI: 'Sail CI',
  SCREWDRIVER: 'Screwdriver',
  SEMAPHORE: 'Semaphore',
  TASKCLUSTER_ROOT_URL: 'Taskcluster',
  TEAMCITY_VERSION: 'TeamCity',
  TEKTON_PIPELINE_RUN: 'Tekton',
  TEKTON_TASK_RUN: 'Tekton',
  TF_BUILD: 'Azure Pipelines',
  TRAVIS: 'Travis CI',
  VELA: 'Vela',
  WERCKER: 'Wercker',
  ZUUL_PIPELINE: 'Zuul',
  ZUUL_UUID: 'Zuul',
  bamboo_buildKey: 'Bamboo',
  bamboo_planKey: 'Bamboo',
};

/** A CI system whose variables we cannot read. It may build forks, so the run is T0: it reads and saves nothing. */
export const unknownPlatform: Platform = {
  detect: (env) => markerIn(env) !== undefined,
  read({ env }) {
    const marker = markerIn(env) ?? '';
    const platform = markers[marker] ?? namedByItself(env);
    const why = `${platform} does not show whose change it builds`;
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

function markerIn(env: Environment): string | undefined {
  const marker = Object.keys(markers).find((name) => variable(env, name) !== null);
  return marker ?? (isSystem(env['CI']) ? 'CI' : undefined);
}

/** People set `CI=true` on their own machines. Another value (`CI=woodpecker`) names a system. */
function isSystem(value: string | undefined): boolean {
  return !['', '0', 'false', '1', 'true'].includes((value ?? '').trim().toLowerCase());
}

function namedByItself(env: Environment): string {
  return /^[\w .-]{1,64}$/.exec(env['CI'] ?? '')?.[0] ?? 'an unknown CI system';
}

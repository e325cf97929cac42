import type { Hint, PlatformHints, RefHint, TrustSignal } from '@cachelane/core';
import { commitId, type Environment, hint, inEnvironment, type Platform, variable } from './platform.ts';

/** Pipeline sources that only a member, or GitLab on its behalf, can cause. */
const internalSources: ReadonlySet<string> = new Set([
  'push',
  'merge_request_event',
  'schedule',
  'web',
  'webide',
  'api',
  'trigger',
  'pipeline',
  'parent_pipeline',
]);

export const gitlab: Platform = {
  detect: (env) => env['GITLAB_CI'] === 'true',
  read({ env }) {
    const event = hint(env, 'CI_PIPELINE_SOURCE');
    // A child pipeline of a merge request has another source and the same variables.
    const isMergeRequest = event?.value === 'merge_request_event' || variable(env, 'CI_MERGE_REQUEST_IID') !== null;
    return {
      platform: 'GitLab CI',
      event,
      ref: isMergeRequest ? mergeRequestRef(env) : plainRef(env),
      base: isMergeRequest ? hint(env, 'CI_MERGE_REQUEST_TARGET_BRANCH_NAME') : null,
      defaultBranch: hint(env, 'CI_DEFAULT_BRANCH'),
      runId: hint(env, 'CI_PIPELINE_ID'),
      revision: commitId(variable(env, 'CI_COMMIT_SHA')),
      workflow: variable(env, 'CI_CONFIG_PATH'),
      signals: [...sourceSignals(event), ...(isMergeRequest ? forkSignals(env) : [])],
    } satisfies PlatformHints;
  },
};

function mergeRequestRef(env: Environment): RefHint | null {
  if (env['CI_MERGE_REQUEST_EVENT_TYPE'] === 'merge_train') {
    const branch = hint(env, 'CI_MERGE_REQUEST_TARGET_BRANCH_NAME');
    return branch === null ? null : { kind: 'mq', ...branch };
  }
  const number = hint(env, 'CI_MERGE_REQUEST_IID');
  return number === null ? null : { kind: 'pr', ...number };
}

function plainRef(env: Environment): RefHint | null {
  const tag = hint(env, 'CI_COMMIT_TAG');
  if (tag !== null) return { kind: 'tag', ...tag };
  const branch = hint(env, 'CI_COMMIT_REF_NAME');
  return branch === null ? null : { kind: 'ref', ...branch };
}

function sourceSignals(event: Hint | null): readonly TrustSignal[] {
  if (event === null) {
    return [{ level: 'T0', why: 'no pipeline source is set', source: inEnvironment('CI_PIPELINE_SOURCE') }];
  }
  if (internalSources.has(event.value)) return [];
  return [{ level: 'T0', why: `pipeline source ${event.value} can be caused by outsiders`, source: event.source }];
}

/** Source, target and running project must be equal: a fork's pipeline may run in either project. */
function forkSignals(env: Environment): readonly TrustSignal[] {
  const from = variable(env, 'CI_MERGE_REQUEST_SOURCE_PROJECT_ID');
  const here = variable(env, 'CI_PROJECT_ID');
  const to = variable(env, 'CI_MERGE_REQUEST_PROJECT_ID');
  const source = inEnvironment('CI_MERGE_REQUEST_SOURCE_PROJECT_ID');
  if (from === null || here === null) return [{ level: 'T0', why: 'merge request of an unknown project', source }];
  if (from !== here || (to !== null && to !== here)) return [{ level: 'T0', why: 'merge request from a fork', source }];
  return [];
}

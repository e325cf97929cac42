import { laneWithoutHub, type PlatformHints } from '@cachelane/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readPlatform } from './platforms.ts';

type Env = Readonly<Record<string, string | undefined>>;

function read(env: Env, event?: unknown): PlatformHints | null {
  const text = event === undefined || typeof event === 'string' ? event : JSON.stringify(event);
  return readPlatform({ env, readText: (path) => (path === '/event.json' ? text : undefined) });
}

/** Lane, base and default as a context would use them. */
function lanes(env: Env, event?: unknown): readonly (string | null)[] {
  const { lane, base, defaultLane } = laneWithoutHub(read(env, event));
  return [lane, base, defaultLane];
}

const t0 = 't0:run:8843';

test('no CI: no hints, even with CI=true alone', () => {
  expect(read({})).toBeNull();
  for (const CI of ['', '0', 'false', '1', 'true', 'True']) expect(read({ CI })).toBeNull();
  expect(read({ CI: 'true', GITHUB_ACTIONS: 'false', JENKINS_URL: '' })).toBeNull();
});

describe('GitHub Actions', () => {
  const sha = '0123456789abcdef0123456789abcdef01234567';
  const base: Env = {
    GITHUB_ACTIONS: 'true',
    GITHUB_EVENT_PATH: '/event.json',
    GITHUB_REPOSITORY: 'acme/web',
    GITHUB_RUN_ID: '8843',
    GITHUB_SHA: sha,
    GITHUB_WORKFLOW: 'CI',
    GITHUB_WORKFLOW_REF: 'acme/web/.github/workflows/ci.yml@refs/heads/main',
  };
  const repository = { full_name: 'acme/web', default_branch: 'main' };
  const on = (event: string, ref: string, more: Env = {}): Env => ({
    ...base,
    GITHUB_EVENT_NAME: event,
    GITHUB_REF: ref,
    ...more,
  });
  const pull = (head: unknown, number = 12): unknown => ({
    repository,
    pull_request: { number, head: { ref: 'feat', repo: head }, base: { ref: 'main', repo: { full_name: 'acme/web' } } },
  });
  const onPull = on('pull_request', 'refs/pull/12/merge', { GITHUB_BASE_REF: 'main', GITHUB_HEAD_REF: 'feat' });

  test.each<readonly [string, Env, unknown, readonly (string | null)[]]>([
    ['push to the default branch', on('push', 'refs/heads/main'), { repository }, ['t1:ref:main', null, 't1:ref:main']],
    [
      'push to a branch with slashes',
      on('push', 'refs/heads/feat/a b'),
      { repository },
      ['t1:ref:feat/a%20b', null, 't1:ref:main'],
    ],
    ['push of a tag', on('push', 'refs/tags/v1.0'), { repository }, ['t1:tag:v1.0', null, 't1:ref:main']],
    ['release', on('release', 'refs/tags/v1.0'), { repository }, ['t1:tag:v1.0', null, 't1:ref:main']],
    ['schedule', on('schedule', 'refs/heads/main'), {}, ['t1:ref:main', null, null]],
    ['workflow_dispatch', on('workflow_dispatch', 'refs/heads/x'), { repository }, ['t1:ref:x', null, 't1:ref:main']],
    [
      'pull request of the repository',
      onPull,
      pull({ full_name: 'acme/web' }),
      ['t1:pr:12', 't1:ref:main', 't1:ref:main'],
    ],
    [
      'closed pull request, whose ref is the base',
      on('pull_request', 'refs/heads/main'),
      pull({ full_name: 'acme/web' }),
      ['t1:pr:12', 't1:ref:main', 't1:ref:main'],
    ],
    [
      'merge queue',
      on('merge_group', 'refs/heads/gh-readonly-queue/main/pr-12-abc'),
      { repository },
      ['t1:mq:main', 't1:ref:main', 't1:ref:main'],
    ],
    [
      'merge queue of a branch with slashes',
      on('merge_group', 'refs/heads/gh-readonly-queue/release/1.2/pr-12-abc'),
      { repository },
      ['t1:mq:release/1.2', 't1:ref:release/1.2', 't1:ref:main'],
    ],
    [
      'push that a merge queue made',
      on('push', 'refs/heads/gh-readonly-queue/main/pr-12-abc'),
      { repository },
      ['t1:mq:main', 't1:ref:main', 't1:ref:main'],
    ],
    ['pull request from a fork', onPull, pull({ full_name: 'mallory/web' }), [t0, null, 't1:ref:main']],
    ['pull request from a fork that is gone', onPull, pull(null), [t0, null, 't1:ref:main']],
    [
      'pull request of another repository than the one that runs',
      { ...onPull, GITHUB_REPOSITORY: 'acme/other' },
      pull({ full_name: 'acme/web' }),
      [t0, null, 't1:ref:main'],
    ],
    ['pull request without its event', onPull, undefined, [t0, null, null]],
    ['pull request with a broken event', onPull, '{"pull_request":', [t0, null, null]],
    ['pull request with an event that is no object', onPull, '[]', [t0, null, null]],
    [
      'pull request whose ref and event disagree',
      onPull,
      pull({ full_name: 'acme/web' }, 13),
      [t0, null, 't1:ref:main'],
    ],
    [
      'pull_request_target',
      on('pull_request_target', 'refs/heads/main'),
      pull({ full_name: 'mallory/web' }),
      [t0, null, 't1:ref:main'],
    ],
    ['issue_comment', on('issue_comment', 'refs/heads/main'), { repository }, [t0, null, 't1:ref:main']],
    ['workflow_run', on('workflow_run', 'refs/heads/main'), { repository }, [t0, null, 't1:ref:main']],
    ['an event of the future', on('quantum_push', 'refs/heads/main'), { repository }, [t0, null, 't1:ref:main']],
    ['no event', { ...base, GITHUB_REF: 'refs/heads/main' }, { repository }, [t0, null, 't1:ref:main']],
    ['no ref', on('push', ''), { repository }, [t0, null, 't1:ref:main']],
    ['a ref that is none', on('push', 'main'), { repository }, [t0, null, 't1:ref:main']],
    [
      'a queue without its pull request',
      on('push', 'refs/heads/gh-readonly-queue/main'),
      { repository },
      [t0, null, 't1:ref:main'],
    ],
  ])('%s', (_, env, event, expected) => {
    expect(lanes(env, event)).toEqual(expected);
  });

  test('sources for messages', () => {
    const hints = read(onPull, pull({ full_name: 'acme/web' }));
    expect(hints).toMatchObject({
      platform: 'GitHub Actions',
      event: { value: 'pull_request', source: 'GITHUB_EVENT_NAME in the environment' },
      ref: { kind: 'pr', value: '12', source: 'pull_request.number in the file of GITHUB_EVENT_PATH' },
      base: { value: 'main', source: 'GITHUB_BASE_REF in the environment' },
      defaultBranch: { value: 'main', source: 'repository.default_branch in the file of GITHUB_EVENT_PATH' },
      revision: sha,
      workflow: 'acme/web/.github/workflows/ci.yml@refs/heads/main',
      signals: [],
    });
    expect(read(onPull, pull({ full_name: 'mallory/web' }))?.signals[0]).toEqual({
      level: 'T0',
      why: 'pull request from a fork',
      source: 'pull_request.head.repo in the file of GITHUB_EVENT_PATH',
    });
  });

  test('a revision that is no commit id is ignored', () => {
    expect(read({ ...base, GITHUB_SHA: 'main' })?.revision).toBeNull();
  });
});

describe('GitLab', () => {
  const base: Env = {
    GITLAB_CI: 'true',
    CI_PROJECT_ID: '7',
    CI_PIPELINE_ID: '8843',
    CI_DEFAULT_BRANCH: 'main',
    CI_COMMIT_SHA: '0123456789abcdef0123456789abcdef01234567',
    CI_CONFIG_PATH: '.gitlab-ci.yml',
  };
  const merge: Env = {
    ...base,
    CI_PIPELINE_SOURCE: 'merge_request_event',
    CI_COMMIT_REF_NAME: 'feat',
    CI_MERGE_REQUEST_IID: '12',
    CI_MERGE_REQUEST_TARGET_BRANCH_NAME: 'next',
    CI_MERGE_REQUEST_SOURCE_PROJECT_ID: '7',
    CI_MERGE_REQUEST_PROJECT_ID: '7',
  };

  test.each<readonly [string, Env, readonly (string | null)[]]>([
    [
      'push',
      { ...base, CI_PIPELINE_SOURCE: 'push', CI_COMMIT_REF_NAME: 'feat/x', CI_COMMIT_BRANCH: 'feat/x' },
      ['t1:ref:feat/x', null, 't1:ref:main'],
    ],
    [
      'tag',
      { ...base, CI_PIPELINE_SOURCE: 'push', CI_COMMIT_REF_NAME: 'v1', CI_COMMIT_TAG: 'v1' },
      ['t1:tag:v1', null, 't1:ref:main'],
    ],
    [
      'schedule',
      { ...base, CI_PIPELINE_SOURCE: 'schedule', CI_COMMIT_REF_NAME: 'main' },
      ['t1:ref:main', null, 't1:ref:main'],
    ],
    ['merge request', merge, ['t1:pr:12', 't1:ref:next', 't1:ref:main']],
    [
      'merge train',
      { ...merge, CI_MERGE_REQUEST_EVENT_TYPE: 'merge_train' },
      ['t1:mq:next', 't1:ref:next', 't1:ref:main'],
    ],
    [
      'child pipeline of a merge request',
      { ...merge, CI_PIPELINE_SOURCE: 'parent_pipeline' },
      ['t1:pr:12', 't1:ref:next', 't1:ref:main'],
    ],
    [
      'merge request from a fork, in the parent project',
      { ...merge, CI_MERGE_REQUEST_SOURCE_PROJECT_ID: '666' },
      [t0, null, 't1:ref:main'],
    ],
    [
      'merge request from a fork, in the fork',
      { ...merge, CI_PROJECT_ID: '666', CI_MERGE_REQUEST_SOURCE_PROJECT_ID: '666' },
      [t0, null, 't1:ref:main'],
    ],
    [
      'child pipeline of a fork',
      { ...merge, CI_PIPELINE_SOURCE: 'parent_pipeline', CI_MERGE_REQUEST_SOURCE_PROJECT_ID: '666' },
      [t0, null, 't1:ref:main'],
    ],
    [
      'merge request without a project',
      { ...merge, CI_MERGE_REQUEST_SOURCE_PROJECT_ID: '' },
      [t0, null, 't1:ref:main'],
    ],
    ['merge request without a number', { ...merge, CI_MERGE_REQUEST_IID: '' }, [t0, null, 't1:ref:main']],
    ['merge request with an odd number', { ...merge, CI_MERGE_REQUEST_IID: '1 2' }, [t0, null, 't1:ref:main']],
    [
      'external pull request',
      { ...base, CI_PIPELINE_SOURCE: 'external_pull_request_event', CI_COMMIT_REF_NAME: 'x' },
      [t0, null, 't1:ref:main'],
    ],
    ['chat', { ...base, CI_PIPELINE_SOURCE: 'chat', CI_COMMIT_REF_NAME: 'main' }, [t0, null, 't1:ref:main']],
    ['nothing', { GITLAB_CI: 'true' }, ['t0:run:unknown', null, null]],
  ])('%s', (_, env, expected) => {
    expect(lanes(env)).toEqual(expected);
  });

  test('revision and workflow', () => {
    expect(read(merge)).toMatchObject({
      platform: 'GitLab CI',
      revision: base['CI_COMMIT_SHA'],
      workflow: '.gitlab-ci.yml',
    });
  });
});

test('an unknown CI system is T0 and is named', () => {
  const hints = read({ JENKINS_URL: 'https://ci.example.com', BRANCH_NAME: 'main' });
  expect(laneWithoutHub(hints)).toMatchObject({ trust: 'T0', canWrite: false });
  expect(laneWithoutHub(hints).why).toContain('Jenkins');
});

test.each<readonly [string, Env]>([
  ['woodpecker', { CI: 'woodpecker' }],
  ['Woodpecker', { CI: 'true', CI_SYSTEM_NAME: 'woodpecker' }],
  ['Prow', { CI: 'true', PROW_JOB_ID: 'b1c' }],
  ['GoCD', { GO_PIPELINE_NAME: 'web' }],
  ['Bamboo', { bamboo_buildKey: 'WEB-1' }],
  ['Codefresh', { CF_BUILD_ID: '5f' }],
  ['Zuul', { ZUUL_UUID: '5f' }],
  ['Vela', { VELA: 'true' }],
  ['sourcehut', { BUILD_SUBMITTER: 'git.sr.ht' }],
  ['an unknown CI system', { CI: 'a\u001B[2J' }],
])('so is %s', (name, env) => {
  const { trust, canWrite, why } = laneWithoutHub(read(env));
  expect({ trust, canWrite }).toEqual({ trust: 'T0', canWrite: false });
  expect(why).toContain(name);
});

describe('for any variables and events', () => {
  const names = [
    'GITHUB_ACTIONS',
    'GITLAB_CI',
    'GITHUB_EVENT_NAME',
    'GITHUB_REF',
    'GITHUB_BASE_REF',
    'GITHUB_RUN_ID',
    'GITHUB_SHA',
    'CI_PIPELINE_SOURCE',
    'CI_COMMIT_REF_NAME',
    'CI_MERGE_REQUEST_IID',
    'CI_PROJECT_ID',
    'CI_MERGE_REQUEST_SOURCE_PROJECT_ID',
  ];
  const value = fc.oneof(
    fc.constantFrom(
      'true',
      'push',
      'pull_request',
      'merge_request_event',
      'refs/heads/main',
      'refs/pull/1/merge',
      '7',
      '',
    ),
    fc.string({ unit: 'binary', maxLength: 20 }),
  );
  const anyEnv = fc
    .dictionary(fc.constantFrom(...names), value)
    .map((env): Env => ({ ...env, GITHUB_EVENT_PATH: '/event.json' }));
  const anyEvent = fc.oneof(
    fc.json(),
    fc.string(),
    fc
      .record({
        repository: fc.jsonValue(),
        pull_request: fc.oneof(
          fc.jsonValue(),
          fc.record({ number: fc.jsonValue(), head: fc.jsonValue(), base: fc.jsonValue() }),
        ),
      })
      .map((event) => JSON.stringify(event)),
  );

  test('reading never throws and gives at most T1', () => {
    fc.assert(
      fc.property(anyEnv, anyEvent, (env, event) => {
        expect(['T0', 'T1']).toContain(laneWithoutHub(read(env, event)).trust);
      }),
      { numRuns: 500 },
    );
  });

  test('a pull request never writes unless its event says that it is the repository’s own', () => {
    fc.assert(
      fc.property(anyEnv, anyEvent, (env, event) => {
        const pull = { ...env, GITHUB_ACTIONS: 'true', GITHUB_EVENT_NAME: 'pull_request' };
        expect(laneWithoutHub(read(pull, event)).canWrite).toBe(false);
      }),
      { numRuns: 500 },
    );
  });
});

import type { Hint, PlatformHints, RefHint, TrustSignal } from '@cachelane/core';
import { commitId, hint, inEnvironment, type Platform, type PlatformRequest, variable } from './platform.ts';

/** Events that need write access to the repository, or come from GitHub on its behalf. */
const internalEvents: ReadonlySet<string> = new Set([
  'push',
  'pull_request',
  'merge_group',
  'schedule',
  'workflow_dispatch',
  'repository_dispatch',
  'release',
]);

const queuePrefix = 'refs/heads/gh-readonly-queue/';

/** GitHub Actions, and Gitea and Forgejo with the same variables. */
export const github: Platform = {
  detect: (env) => env['GITHUB_ACTIONS'] === 'true',
  read(request) {
    const { env } = request;
    const event = hint(env, 'GITHUB_EVENT_NAME');
    const payload = readEvent(request);
    const isPullRequest = event?.value === 'pull_request';
    const ref = isPullRequest ? pullRequestRef(request, payload) : plainRef(variable(env, 'GITHUB_REF'));
    return {
      platform: 'GitHub Actions',
      event,
      ref,
      base: isPullRequest ? pullRequestBase(request, payload) : ref?.kind === 'mq' ? ref : null,
      defaultBranch: eventHint(payload, 'repository', 'default_branch'),
      runId: hint(env, 'GITHUB_RUN_ID'),
      revision: commitId(variable(env, 'GITHUB_SHA')),
      workflow: variable(env, 'GITHUB_WORKFLOW_REF') ?? variable(env, 'GITHUB_WORKFLOW'),
      signals: [...eventSignals(event), ...(isPullRequest ? forkSignals(request, payload) : [])],
    } satisfies PlatformHints;
  },
};

const eventFile = 'file of GITHUB_EVENT_PATH';

function readEvent({ env, readText }: PlatformRequest): unknown {
  const path = variable(env, 'GITHUB_EVENT_PATH');
  const text = path === null ? undefined : readText(path);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Returns a non-empty text or a number of the event, or null. */
function field(payload: unknown, ...path: readonly string[]): string | null {
  let value = payload;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return null;
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : null;
}

function eventHint(payload: unknown, ...path: readonly string[]): Hint | null {
  const value = field(payload, ...path);
  return value === null ? null : { value, source: `${path.join('.')} in the ${eventFile}` };
}

function plainRef(ref: string | null): RefHint | null {
  if (ref === null) return null;
  const source = inEnvironment('GITHUB_REF');
  if (ref.startsWith(queuePrefix)) {
    // `gh-readonly-queue/release/1.2/pr-12-<sha>`: the branch may contain slashes, the last part is the queue's.
    const branch = /^(.+)\/pr-[^/]*$/.exec(ref.slice(queuePrefix.length))?.[1];
    return branch === undefined ? null : { kind: 'mq', value: branch, source };
  }
  const found = /^refs\/(heads|tags)\/(.+)$/s.exec(ref);
  return found === null ? null : { kind: found[1] === 'tags' ? 'tag' : 'ref', value: found[2] ?? '', source };
}

function pullRequestRef({ env }: PlatformRequest, payload: unknown): RefHint | null {
  const fromRef = /^refs\/pull\/(\d+)\//.exec(variable(env, 'GITHUB_REF') ?? '')?.[1] ?? null;
  // A closed pull request runs with its base's ref, so the event has priority.
  const fromEvent = field(payload, 'pull_request', 'number');
  if (fromEvent !== null && fromRef !== null && fromEvent !== fromRef) return null;
  if (fromEvent !== null) return { kind: 'pr', value: fromEvent, source: `pull_request.number in the ${eventFile}` };
  return fromRef === null ? null : { kind: 'pr', value: fromRef, source: inEnvironment('GITHUB_REF') };
}

function pullRequestBase({ env }: PlatformRequest, payload: unknown): Hint | null {
  return hint(env, 'GITHUB_BASE_REF') ?? eventHint(payload, 'pull_request', 'base', 'ref');
}

function eventSignals(event: Hint | null): readonly TrustSignal[] {
  if (event === null) {
    return [{ level: 'T0', why: 'no event is set', source: inEnvironment('GITHUB_EVENT_NAME') }];
  }
  if (internalEvents.has(event.value)) return [];
  return [{ level: 'T0', why: `event ${event.value} can be caused by outsiders`, source: event.source }];
}

/** Only the event shows whether a pull request comes from a fork; variables do not. */
function forkSignals({ env }: PlatformRequest, payload: unknown): readonly TrustSignal[] {
  const head = field(payload, 'pull_request', 'head', 'repo', 'full_name');
  const base = field(payload, 'pull_request', 'base', 'repo', 'full_name');
  const here = variable(env, 'GITHUB_REPOSITORY');
  if (base === null) {
    return [{ level: 'T0', why: 'pull request without a readable event', source: inEnvironment('GITHUB_EVENT_PATH') }];
  }
  if (head !== base || (here !== null && here !== base)) {
    return [{ level: 'T0', why: 'pull request from a fork', source: `pull_request.head.repo in the ${eventFile}` }];
  }
  return [];
}

import type { PlatformHints } from '../lanes/platform-hints.ts';
import type { ConfiguredName, ContextSources } from './context-sources.ts';
import type { Context, ContextInput } from './context.ts';
import { deriveContext } from './derive-context.ts';

export const root = '/home/ann/src/web';
const remote = { name: 'origin', url: 'https://ann:s3cret@GitHub.com/Acme/Web.git' };

/** The root of a checkout of github.com/acme/web outside CI. */
export function sourcesOf(changes: Partial<ContextSources> = {}): ContextSources {
  return {
    namespaceFlag: null,
    namespaceVariable: null,
    config: null,
    repository: { root, remote },
    project: { directory: root, source: 'package.json' },
    platform: null,
    ...changes,
  };
}

export function derive(changes: Partial<ContextSources> = {}): Context {
  return deriveContext(sourcesOf(changes));
}

export const inFolder = (folder: string): Partial<ContextSources> => ({
  project: { directory: `${root}/${folder}`, source: 'package.json' },
});
export const named = (value: string, line = 2): ConfiguredName => ({ value, line });
export const links = (context: Context): readonly string[] =>
  context.readChain.map(({ namespace, lane }) => `${namespace} ${lane}`);
export const inputOf = (context: Context, name: string): ContextInput | undefined =>
  context.inputs.find((input) => input.name === name);

export const ci: PlatformHints = {
  platform: 'GitHub Actions',
  event: { value: 'pull_request', source: 'GITHUB_EVENT_NAME in the environment' },
  ref: { kind: 'pr', value: '12', source: 'GITHUB_REF in the environment' },
  base: { value: 'next', source: 'GITHUB_BASE_REF in the environment' },
  defaultBranch: { value: 'main', source: 'the event' },
  runId: { value: '8843', source: 'GITHUB_RUN_ID in the environment' },
  revision: null,
  workflow: null,
  signals: [],
};

/** The same pull request, from a fork. */
export const ofFork: PlatformHints = {
  ...ci,
  signals: [{ level: 'T0', why: 'pull request from a fork', source: 'the event' }],
};

import { policyWithoutHub } from '../lanes/access.ts';
import { type LaneDecision, laneWithoutHub } from '../lanes/local.ts';
import type { PlatformHints } from '../lanes/platform-hints.ts';
import { readChain } from '../lanes/read-chain.ts';
import { parseNamespace } from '../names/namespace.ts';
import { printable } from '../names/printable.ts';
import { redactUrl } from '../names/remote-url.ts';
import { personalLane } from '../tiers/personal-tier.ts';
import type { ConfiguredName, ContextSources, NamedProject } from './context-sources.ts';
import type { ClaimedParent, Context, ContextInput } from './context.ts';
import { fileNames } from './file-names.ts';
import { derivedNamespace, localNamespaceOf, parentsOf } from './project-names.ts';
import { saidParents } from './said-parents.ts';

/**
 * Returns the context of a command. The namespace comes from the first of --namespace, CACHELANE_NAMESPACE,
 * cachelane.yaml, the git remote with the project's path inside the repository, and the directory's own path. Throws
 * E_NAMESPACE and E_LIMIT with the source of the refused value.
 */
export function deriveContext(given: ContextSources): Context {
  const { config, claims } = fileNames(given);
  const sources = { ...given, config };
  const project = nameProject(sources);
  const { parents, named } = parentsOf(sources, project);
  const decision = laneWithoutHub(sources.platform);
  const personal = sources.personalTier ?? null;
  const localNamespace = localNamespaceOf(sources.project.directory);
  return {
    endpoint: 'local',
    namespace: project.namespace,
    parents,
    ...(named === null ? {} : { named }),
    ...(claims.length === 0 || saidParents(sources, project.namespace) !== null
      ? {}
      : { claimed: { parents: claims.map(claimed), needGrant: sources.platform !== null, shared: null } }),
    localNamespace,
    adoptFrom: project.by === 'remote' || project.by === 'config' ? localNamespace : null,
    lane: decision.lane,
    trust: decision.trust,
    defaultLane: decision.defaultLane,
    readChain: readChain({
      ...decision,
      namespace: project.namespace,
      parents,
      policy: sources.policy ?? policyWithoutHub,
    }),
    personalTier: personal !== null && decision.lane === personalLane,
    canWrite: decision.canWrite,
    why: decision.why,
    inputs: [
      ...namespaceInputs(sources, project),
      ...(named === null ? [] : [{ name: 'parents', value: parents.join(', ') || 'none', source: named.by }]),
      ...laneInputs(sources.platform, decision),
      ...(personal === null ? [] : [personalInput(decision, personal)]),
    ].map(safe),
  };
}

/** Returns the warnings to show in every run. Throws as {@link deriveContext} does. */
export function contextWarnings(given: ContextSources): readonly string[] {
  const { config, warnings } = fileNames(given);
  const sources = { ...given, config };
  const { leftOut, named } = parentsOf(sources, nameProject(sources));
  if (leftOut.length === 0) return warnings;
  return [...warnings, `${named?.by} names ${leftOut.join(', ')}: skipped in an untrusted run (T0)`];
}

function claimed({ value, line }: ConfiguredName): ClaimedParent {
  return { namespace: parseNamespace(value), source: `cachelane.yaml:${line}` };
}

function nameProject(sources: ContextSources): NamedProject {
  const { namespaceFlag, namespaceVariable, config, repository } = sources;
  if (namespaceFlag !== null) {
    const source = '--namespace';
    return { namespace: parseNamespace(namespaceFlag, source), by: 'flag', source };
  }
  if (namespaceVariable !== null && namespaceVariable !== '') {
    const source = 'CACHELANE_NAMESPACE';
    return { namespace: parseNamespace(namespaceVariable, source), by: 'variable', source };
  }
  const namespace = derivedNamespace(sources, sources.project.directory);
  const configured = config?.namespace ?? null;
  if (configured !== null) return { namespace, by: 'config', source: `cachelane.yaml:${configured.line}` };
  const remote = repository?.remote ?? null;
  if (remote !== null) return { namespace, by: 'remote', source: `remote ${remote.name} in .git/config` };
  return { namespace, by: 'path', source: 'path of the project directory' };
}

function namespaceInputs({ repository, project }: ContextSources, named: NamedProject): readonly ContextInput[] {
  const inputs: ContextInput[] = [{ name: 'namespace', value: named.namespace, source: named.source }];
  const remote = named.by === 'remote' ? (repository?.remote ?? null) : null;
  if (remote !== null) {
    inputs.push({ name: 'remote', value: redactUrl(remote.url), source: named.source });
  }
  inputs.push({ name: 'project', value: project.directory, source: project.source });
  return inputs;
}

function laneInputs(platform: PlatformHints | null, decision: LaneDecision): readonly ContextInput[] {
  const inputs: ContextInput[] = [{ name: 'lane', value: decision.lane, source: decision.source }];
  if (platform === null) return inputs;
  const { event, base, defaultBranch, signals } = platform;
  if (event !== null) inputs.push({ name: 'event', ...event });
  for (const { level, why, source } of signals)
    inputs.push({ name: 'trust', value: level, source: `${why}, ${source}` });
  if (base !== null && decision.base !== null) inputs.push({ name: 'base', ...base });
  if (defaultBranch !== null) inputs.push({ name: 'default', ...defaultBranch });
  return inputs;
}

function personalInput({ lane }: LaneDecision, source: string): ContextInput {
  const isRead = lane === personalLane;
  return { name: 'personal tier', value: isRead ? 'on' : `off on ${lane}`, source };
}

/** Escapes control characters, because variables and urls come from others. */
function safe({ name, value, source }: ContextInput): ContextInput {
  return { name, value: printable(value), source: printable(source) };
}

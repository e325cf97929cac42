import { CachelaneError } from '../base/errors.ts';
import { laneWithoutHub } from '../lanes/local.ts';
import { type Namespace } from '../names/namespace.ts';
import { defaultParents } from '../names/parents.ts';
import { namespaceFromRemote } from '../names/remote.ts';
import type { ConfiguredName, ConfigNames, ContextSources } from './context-sources.ts';

/** What counts of the names in `cachelane.yaml`, and what a person must be told of them. */
interface FileNames {
  readonly config: ConfigNames | null;
  /** Of its parents those that are none of the repository's own names. */
  readonly claims: readonly ConfiguredName[];
  readonly warnings: readonly string[];
}

/**
 * A file in the repository may choose among the repository's own names: whoever writes it (a fork's pull request, the
 * owner of a repository that was cloned to have a look) must not reach the caches of another project. A namespace outside of
 * the remote's is accepted on one's own machine only, and never without a warning; parents outside of it are claims, which
 * what is granted to the project settles; a run that nobody vouches for is not asked at all. Without a remote the file's name
 * is the only one. Throws E_NAMESPACE in CI.
 */
export function fileNames(sources: ContextSources): FileNames {
  const { namespaceFlag, namespaceVariable, parentsVariable, platform } = sources;
  const isForced = namespaceFlag !== null || isSaid(namespaceVariable);
  const config =
    isSaid(parentsVariable) && sources.config !== null ? { ...sources.config, parents: null } : sources.config;
  const named = [config?.namespace ?? null, ...(config?.parents ?? [])].filter((name) => name !== null);
  if (config === null || named.length === 0) return { config, claims: [], warnings: [] };
  const isUnvouched = platform !== null && laneWithoutHub(platform).trust === 'T0';
  // Where a name is forced the file spoke of another one, but for a confined session: that is told its name, and may have parents by the file.
  if (isForced) return { config: isUnvouched ? { ...config, parents: null } : config, claims: [], warnings: [] };
  if (isUnvouched) {
    const warnings = [`cachelane.yaml:${named[0]?.line}: its names do not count in a run that nobody vouches for`];
    return { config: { ...config, namespace: null, parents: null }, claims: [], warnings };
  }
  const own = ownNamespace(sources);
  if (own === null) return { config, claims: [], warnings: [] };
  const claims = claimsOf(config, own);
  const { namespace } = config;
  if (namespace === null || namespace === undefined || isOwnName(namespace, own))
    return { config, claims, warnings: [] };
  const problem = `cachelane.yaml:${namespace.line} names ${namespace.value}, this checkout is ${own}`;
  if (platform !== null) {
    throw new CachelaneError('E_NAMESPACE', `${problem}: in CI a file in the repository cannot reach other projects`, {
      hint: 'name the namespace in the configuration of the CI system: CACHELANE_NAMESPACE, or --namespace',
    });
  }
  return { config, claims, warnings: [`${problem}: it reads, or writes, what is not its own`] };
}

/** Of a variable: an unset one in CI is often empty. */
export function isSaid(variable: string | null | undefined): variable is string {
  return variable !== null && variable !== undefined && variable.trim() !== '';
}

function ownNamespace({ repository }: ContextSources): Namespace | null {
  const remote = repository?.remote ?? null;
  return remote === null ? null : namespaceFromRemote(remote.url);
}

function isOwnName({ value }: ConfiguredName, own: Namespace): boolean {
  return value === own || value.startsWith(`${own}/`);
}

function claimsOf({ parents }: ConfigNames, own: Namespace): readonly ConfiguredName[] {
  const shared: readonly string[] = defaultParents(own);
  const named = parents ?? [];
  return named.filter(
    (parent, index) =>
      !isOwnName(parent, own) &&
      !shared.includes(parent.value) &&
      named.findIndex(({ value }) => value === parent.value) === index,
  );
}

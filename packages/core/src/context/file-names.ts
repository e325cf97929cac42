import { CachelaneError } from '../base/errors.ts';
import { laneWithoutHub } from '../lanes/local.ts';
import { type Namespace } from '../names/namespace.ts';
import { defaultParents } from '../names/parents.ts';
import { namespaceFromRemote } from '../names/remote.ts';
import type { ConfiguredName, ConfigNames, ContextSources } from './context-sources.ts';

/** The names of `cachelane.yaml` that count, with warnings. */
interface FileNames {
  readonly config: ConfigNames | null;
  /** Parents outside the repository's own names. */
  readonly claims: readonly ConfiguredName[];
  readonly warnings: readonly string[];
}

/**
 * Returns the names that count. A repository file may choose only among the repository's own names.
 * Its writer may be a fork or the owner of a cloned repository, who must not reach other projects. Outside CI,
 * another namespace is accepted with a warning. Other parents are claims, which need grants. Untrusted runs (T0)
 * ignore the file. Without a remote, every name counts. Throws E_NAMESPACE in CI.
 */
export function fileNames(sources: ContextSources): FileNames {
  const { namespaceFlag, namespaceVariable, parentsVariable, platform } = sources;
  const isForced = namespaceFlag !== null || isSaid(namespaceVariable);
  const config =
    isSaid(parentsVariable) && sources.config !== null ? { ...sources.config, parents: null } : sources.config;
  const named = [config?.namespace ?? null, ...(config?.parents ?? [])].filter((name) => name !== null);
  if (config === null || named.length === 0) return { config, claims: [], warnings: [] };
  const isUnvouched = platform !== null && laneWithoutHub(platform).trust === 'T0';
  // The file is about another name than the forced one. But a confined session is told its own name, and may take
  // parents from the file.
  if (isForced) return { config: isUnvouched ? { ...config, parents: null } : config, claims: [], warnings: [] };
  if (isUnvouched) {
    const warnings = [`cachelane.yaml:${named[0]?.line}: its names are ignored in an untrusted run (T0)`];
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
    throw new CachelaneError(
      'E_NAMESPACE',
      `${problem}: in CI, a file in the repository cannot select another project`,
      {
        hint: 'set CACHELANE_NAMESPACE or --namespace in the CI configuration',
      },
    );
  }
  return { config, claims, warnings: [`${problem}: this run uses the caches of another project`] };
}

/** Returns whether a variable is set and not empty; unset variables in CI are often empty. */
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

import { CachelaneError } from '../errors.ts';
import { laneWithoutHub } from '../lanes/local.ts';
import { type Namespace } from '../names/namespace.ts';
import { defaultParents } from '../names/parents.ts';
import { namespaceFromRemote } from '../names/remote.ts';
import type { ConfiguredName, ConfigNames, ContextSources } from './context-sources.ts';

/** What counts of the names in `cachelane.yaml`, and what a person must be told of them. */
interface FileNames {
  readonly config: ConfigNames | null;
  readonly warnings: readonly string[];
}

/**
 * A file in the repository may choose among the repository's own names: whoever writes it (a fork's pull request, the
 * owner of a repository that was cloned to have a look) must not reach the caches of another project. Names outside of
 * the remote's are accepted on one's own machine only, and never without a warning; a run that nobody vouches for is not
 * asked at all. Without a remote the file's name is the only one. Throws E_NAMESPACE in CI.
 */
export function fileNames(sources: ContextSources): FileNames {
  const { config, namespaceFlag, namespaceVariable, platform } = sources;
  const isForced = namespaceFlag !== null || (namespaceVariable !== null && namespaceVariable !== '');
  const named = [config?.namespace ?? null, ...(config?.parents ?? [])].filter((name) => name !== null);
  if (config === null || isForced || named.length === 0) return { config, warnings: [] };
  if (platform !== null && laneWithoutHub(platform).trust === 'T0') {
    const warnings = [`cachelane.yaml:${named[0]?.line}: its names do not count in a run that nobody vouches for`];
    return { config: { ...config, namespace: null, parents: null }, warnings };
  }
  const own = ownNamespace(sources);
  if (own === null) return { config, warnings: [] };
  const problems = foreignNames(config, own).map(
    ({ value, line }) => `cachelane.yaml:${line} names ${value}, this checkout is ${own}`,
  );
  const [first] = problems;
  if (platform !== null && first !== undefined) {
    throw new CachelaneError('E_NAMESPACE', `${first}: in CI a file in the repository cannot reach other projects`, {
      hint: 'name the namespace in the configuration of the CI system: CACHELANE_NAMESPACE, or --namespace',
    });
  }
  return { config, warnings: problems.map((problem) => `${problem}: it reads, or writes, what is not its own`) };
}

/** What must be told in every run. Throws E_NAMESPACE as `deriveContext` does. */
export function contextWarnings(sources: ContextSources): readonly string[] {
  return fileNames(sources).warnings;
}

function ownNamespace({ repository }: ContextSources): Namespace | null {
  const remote = repository?.remote ?? null;
  return remote === null ? null : namespaceFromRemote(remote.url);
}

function foreignNames({ namespace, parents }: ConfigNames, own: Namespace): readonly ConfiguredName[] {
  const isOwn = ({ value }: ConfiguredName): boolean => value === own || value.startsWith(`${own}/`);
  const shared: readonly string[] = defaultParents(own);
  return [
    ...(namespace === null || namespace === undefined || isOwn(namespace) ? [] : [namespace]),
    ...(parents ?? []).filter((parent) => !isOwn(parent) && !shared.includes(parent.value)),
  ];
}

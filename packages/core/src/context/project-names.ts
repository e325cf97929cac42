import { limits } from '../limits.ts';
import { digestOf } from '../layers/digest.ts';
import { canonicalNamespace, childNamespace, type Namespace, parseNamespace } from '../names/namespace.ts';
import { defaultParents, validateParents } from '../names/parents.ts';
import { namespaceFromRemote } from '../names/remote.ts';
import { requireNotPersonal } from '../tiers/personal-tier.ts';
import type { ConfiguredName, ContextSources, NamedProject } from './context-sources.ts';

/** Hex characters of a path's hash: enough for the directories of one machine, short enough to read. */
const pathHashLength = 16;

/** `local/<dir>-<hash of real path>`: the name of a directory that nothing else names. */
export function localNamespaceOf(realPath: string): Namespace {
  const name = realPath.slice(realPath.lastIndexOf('/') + 1);
  return canonicalNamespace('local', `${name === '' ? 'root' : name}-${digestOf(realPath).slice(0, pathHashLength)}`);
}

/**
 * The namespace of a directory of the project's tree, from configuration, remote or path. Throws E_NAMESPACE for a
 * configured name that is not canonical.
 */
export function derivedNamespace(sources: ContextSources, directory: string): Namespace {
  const { config, repository } = sources;
  const named = config?.namespace ?? null;
  if (config !== null && named !== null) {
    const { value, line } = named;
    const source = `cachelane.yaml:${line}`;
    const configured = requireNotPersonal(parseNamespace(value, source), source);
    return childNamespace(configured, ...segmentsBelow(config.directory, directory));
  }
  if (repository === null || repository.remote === null) return localNamespaceOf(directory);
  return childNamespace(namespaceFromRemote(repository.remote.url), ...segmentsBelow(repository.root, directory));
}

/**
 * Parents of the project's namespace. Where a file names some, they are those of the file's directory, and a project below
 * it reads what lies between first. Throws E_NAMESPACE, E_LIMIT.
 */
export function parentsOf(sources: ContextSources, project: NamedProject): readonly Namespace[] {
  const { config, repository } = sources;
  const { namespace, by } = project;
  const prefixes = defaultParents(namespace);
  const explicit = configuredParents(sources, project);
  if (config === null || explicit === null) {
    // `local/…` names are flat: a package of a repository without a remote finds its repository here.
    const isInside = by === 'path' && repository !== null && repository.root !== sources.project.directory;
    return isInside ? [localNamespaceOf(repository.root), ...prefixes] : prefixes;
  }
  const named = derivedNamespace(sources, config.directory);
  const parents = validateParents({
    namespace: named,
    explicit: explicit.map(({ value, line }) => {
      const source = `cachelane.yaml:${line}`;
      return requireNotPersonal(parseNamespace(value, source), source);
    }),
    source: parentsSource(explicit),
    explicitParentsOf: () => undefined,
  });
  if (named === namespace) return parents;
  const between = prefixes.filter((prefix) => prefix.startsWith(`${named}/`));
  return [...new Set([...between, named, ...parents])]
    .filter((parent) => parent !== namespace)
    .slice(0, limits.namespaceParents);
}

/** What the file says of them, as far as it counts: where a name is forced for one command, it spoke of another one. */
export function configuredParents(
  sources: ContextSources,
  { namespace, by }: NamedProject,
): readonly ConfiguredName[] | null {
  const { config, project, isBounded = false } = sources;
  const isForced = by === 'flag' || by === 'variable';
  if (isForced && !(isBounded && derivedNamespace(sources, project.directory) === namespace)) return null;
  return config?.parents ?? null;
}

export function parentsSource(parents: readonly ConfiguredName[]): string {
  const first = parents[0];
  return first === undefined ? 'cachelane.yaml' : `cachelane.yaml:${first.line}`;
}

/** Path segments of `directory` below `ancestor`; none where it does not lie there. */
function segmentsBelow(ancestor: string, directory: string): readonly string[] {
  const prefix = ancestor.endsWith('/') ? ancestor : `${ancestor}/`;
  return directory.startsWith(prefix) ? directory.slice(prefix.length).split('/') : [];
}

import { limits } from '../base/limits.ts';
import { digestOf } from '../base/digest.ts';
import { canonicalNamespace, childNamespace, type Namespace } from '../names/namespace.ts';
import { defaultParents, validateParents } from '../names/parents.ts';
import { namespaceFromRemote } from '../names/remote.ts';
import type { NamedParents } from './context.ts';
import type { ConfiguredName, ContextSources, NamedProject } from './context-sources.ts';
import { chosenName, checkSaid, saidParents } from './said-parents.ts';

/** Hex characters of a path's hash: enough for the directories of one machine, and short enough to read. */
const pathHashLength = 16;

/** Returns `local/<dir>-<hash of real path>`, the name of a directory without another name. */
export function localNamespaceOf(realPath: string): Namespace {
  const name = realPath.slice(realPath.lastIndexOf('/') + 1);
  return canonicalNamespace('local', `${name === '' ? 'root' : name}-${digestOf(realPath).slice(0, pathHashLength)}`);
}

/**
 * Returns the namespace of a project directory from configuration, remote or path. Throws E_NAMESPACE for a
 * configured name that is not canonical.
 */
export function derivedNamespace(sources: ContextSources, directory: string): Namespace {
  const { config, repository } = sources;
  const named = config?.namespace ?? null;
  if (config !== null && named !== null) {
    const configured = chosenName(named.value, `cachelane.yaml:${named.line}`);
    return childNamespace(configured, ...segmentsBelow(config.directory, directory));
  }
  if (repository === null || repository.remote === null) return localNamespaceOf(directory);
  return childNamespace(namespaceFromRemote(repository.remote.url), ...segmentsBelow(repository.root, directory));
}

/** The parents of a project, with their source. */
interface Parents {
  readonly parents: readonly Namespace[];
  /** Null: the path prefixes. */
  readonly named: NamedParents | null;
  /** Named parents that an untrusted run (T0) does not read. */
  readonly leftOut: readonly Namespace[];
}

/**
 * Returns the parents of the project's namespace: those of CACHELANE_PARENTS, else of the user's configuration, else
 * of `cachelane.yaml`, else the path prefixes. If they are named for a project above, the namespaces between come
 * first. A name forced for one command ignores `cachelane.yaml`. Throws E_NAMESPACE, E_LIMIT.
 */
export function parentsOf(sources: ContextSources, { namespace, by }: NamedProject): Parents {
  const { config, repository, project } = sources;
  const isForced = by === 'flag' || by === 'variable';
  const prefixes = defaultParents(namespace);
  // `local/…` names are flat, so a package of a repository without a remote gets its repository as parent here.
  const isInside = by === 'path' && repository !== null && repository.root !== project.directory;
  const root = isInside ? [localNamespaceOf(repository.root)] : [];
  const said = saidParents(sources, namespace);
  if (said !== null) {
    const top = isForced ? namespace : derivedNamespace(sources, repository?.root ?? project.directory);
    // A shared list of parents omits the project's own path prefixes, so add them.
    const above = by === 'path' ? root : prefixes.filter((prefix) => isAtOrBelow(prefix, top));
    const { parents, leftOut } = checkSaid(sources, namespace, said);
    return { parents: inOrder(namespace, [...above, ...parents]), named: { parents, by: said.source }, leftOut };
  }
  const explicit = config?.parents ?? null;
  if ((isForced && !isAbout(sources, namespace)) || config === null || explicit === null) {
    return { parents: isForced ? prefixes : [...root, ...prefixes], named: null, leftOut: [] };
  }
  const top = derivedNamespace(sources, config.directory);
  const source = parentsSource(explicit);
  const parents = validateParents({
    namespace: top,
    explicit: explicit.map((name) => chosenName(name.value, `cachelane.yaml:${name.line}`)),
    source,
    explicitParentsOf: () => undefined,
  });
  const above = top === namespace ? [] : prefixes.filter((prefix) => isAtOrBelow(prefix, top));
  return { parents: inOrder(namespace, [...above, ...parents]), named: { parents, by: source }, leftOut: [] };
}

/**
 * Returns whether the file's parents count although the name was forced: it is the file's own name, and grants check
 * every parent.
 */
function isAbout(sources: ContextSources, namespace: Namespace): boolean {
  return sources.isBounded === true && derivedNamespace(sources, sources.project.directory) === namespace;
}

function isAtOrBelow(namespace: Namespace, top: Namespace): boolean {
  return namespace === top || namespace.startsWith(`${top}/`);
}

function inOrder(namespace: Namespace, parents: readonly Namespace[]): readonly Namespace[] {
  return [...new Set(parents)].filter((parent) => parent !== namespace).slice(0, limits.namespaceParents);
}

function parentsSource(parents: readonly ConfiguredName[]): string {
  const first = parents[0];
  return first === undefined ? 'cachelane.yaml' : `cachelane.yaml:${first.line}`;
}

/** Returns the path segments of `directory` below `ancestor`; none if it is not below. */
function segmentsBelow(ancestor: string, directory: string): readonly string[] {
  const prefix = ancestor.endsWith('/') ? ancestor : `${ancestor}/`;
  return directory.startsWith(prefix) ? directory.slice(prefix.length).split('/') : [];
}

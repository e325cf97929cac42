import { limits } from '../base/limits.ts';
import { digestOf } from '../base/digest.ts';
import { canonicalNamespace, childNamespace, type Namespace } from '../names/namespace.ts';
import { defaultParents, validateParents } from '../names/parents.ts';
import { namespaceFromRemote } from '../names/remote.ts';
import type { NamedParents } from './context.ts';
import type { ConfiguredName, ContextSources, NamedProject } from './context-sources.ts';
import { chosenName, checkSaid, saidParents } from './said-parents.ts';

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
    const configured = chosenName(named.value, `cachelane.yaml:${named.line}`);
    return childNamespace(configured, ...segmentsBelow(config.directory, directory));
  }
  if (repository === null || repository.remote === null) return localNamespaceOf(directory);
  return childNamespace(namespaceFromRemote(repository.remote.url), ...segmentsBelow(repository.root, directory));
}

/** What a project reads, and who decided it. */
interface Parents {
  readonly parents: readonly Namespace[];
  /** Null: they are the path prefixes. */
  readonly named: NamedParents | null;
  /** Named by a person, for a run that nobody vouches for: it reads what lies above it and no more. */
  readonly leftOut: readonly Namespace[];
}

/**
 * Parents of the project's namespace: those of CACHELANE_PARENTS, else of the person's own file, else of the project's, else the path prefixes. A project below
 * the one that they are named for reads what lies between first. A name that is forced for one command has its path prefixes
 * where nobody names others in person: the file spoke of another one. Throws E_NAMESPACE, E_LIMIT.
 */
export function parentsOf(sources: ContextSources, { namespace, by }: NamedProject): Parents {
  const { config, repository, project } = sources;
  const isForced = by === 'flag' || by === 'variable';
  const prefixes = defaultParents(namespace);
  // `local/…` names are flat: a package of a repository without a remote finds its repository here.
  const isInside = by === 'path' && repository !== null && repository.root !== project.directory;
  const root = isInside ? [localNamespaceOf(repository.root)] : [];
  const said = saidParents(sources, namespace);
  if (said !== null) {
    const top = isForced ? namespace : derivedNamespace(sources, repository?.root ?? project.directory);
    // The project's own, of which whoever names parents for many projects does not know.
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

/** Whether what the file says of parents counts though the name was forced: where it is about that name, and every parent has to share what is read of it. */
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

/** Path segments of `directory` below `ancestor`; none where it does not lie there. */
function segmentsBelow(ancestor: string, directory: string): readonly string[] {
  const prefix = ancestor.endsWith('/') ? ancestor : `${ancestor}/`;
  return directory.startsWith(prefix) ? directory.slice(prefix.length).split('/') : [];
}

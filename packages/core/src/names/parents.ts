import { CachelaneError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { type Namespace, namespaceParents, parseNamespace } from './namespace.ts';

export interface ParentsRequest {
  readonly namespace: Namespace;
  /** Names from a file, in order; null: the path prefixes. An empty list means none. */
  readonly explicit: readonly string[] | null;
  /** Where they were named, for errors: `cachelane.yaml:4`. */
  readonly source: string;
  /** Returns the explicit list of another namespace; undefined if it uses its path prefixes. */
  readonly explicitParentsOf: (namespace: Namespace) => readonly Namespace[] | undefined;
}

/**
 * Returns the default parents, the path prefixes. A single segment (`github.com`, `local`) is left out: it has no
 * owner, and its writer would reach everything below.
 */
export function defaultParents(namespace: Namespace): readonly Namespace[] {
  return namespaceParents(namespace).filter((parent) => parent.includes('/'));
}

/**
 * Returns the parents of a namespace in the order of reading, without duplicates. Throws E_NAMESPACE for a name that
 * is not canonical and for a cycle, E_LIMIT for more than `limits.namespaceParents`.
 */
export function validateParents(request: ParentsRequest): readonly Namespace[] {
  const { namespace, explicit, source } = request;
  if (explicit === null) return defaultParents(namespace);
  const parents = [...new Set(explicit.map((text) => parseNamespace(text, source)))];
  if (parents.length > limits.namespaceParents) {
    throw new CachelaneError('E_LIMIT', `${source}: ${parents.length} parents, at most ${limits.namespaceParents}`, {
      hint: 'name fewer: every run looks up each of them',
    });
  }
  const cycle = findCycle(request, parents);
  if (cycle !== null) {
    throw new CachelaneError('E_NAMESPACE', `${source}: parents lead back to ${namespace}: ${cycle.join(' -> ')}`, {
      hint: hintFor(namespace, cycle[1] ?? namespace),
    });
  }
  return parents;
}

/** `named` is the parent that leads back. */
function hintFor(namespace: Namespace, named: Namespace): string {
  return named === namespace
    ? `remove ${namespace} from the list: a namespace always reads its own caches first`
    : `remove ${named} from the list, or ${namespace} from its parents`;
}

/** Returns a path from the namespace back to itself, with both ends; null if there is none. */
function findCycle(request: ParentsRequest, parents: readonly Namespace[]): readonly Namespace[] | null {
  const cameFrom = new Map<Namespace, Namespace>();
  const open: Namespace[] = [];
  const visit = (child: Namespace, its: readonly Namespace[]): void => {
    for (const parent of its) {
      if (cameFrom.has(parent)) continue;
      cameFrom.set(parent, child);
      open.push(parent);
    }
  };
  visit(request.namespace, parents);
  for (let next = open.shift(); next !== undefined; next = open.shift()) {
    if (next === request.namespace) return wayTo(next, cameFrom);
    visit(next, request.explicitParentsOf(next) ?? defaultParents(next));
  }
  return null;
}

function wayTo(namespace: Namespace, cameFrom: ReadonlyMap<Namespace, Namespace>): readonly Namespace[] {
  const way = [namespace];
  for (let at = cameFrom.get(namespace); at !== undefined; at = cameFrom.get(at)) {
    way.unshift(at);
    if (at === namespace) break;
  }
  return way;
}

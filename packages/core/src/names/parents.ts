import { CachelaneError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { type Namespace, namespaceParents, parseNamespace } from './namespace.ts';

export interface ParentsRequest {
  readonly namespace: Namespace;
  /** What a file names, in order; null: the path prefixes. A list replaces the prefixes, so an empty one means none. */
  readonly explicit: readonly string[] | null;
  /** Who named them, for errors: `cachelane.yaml:4`. */
  readonly source: string;
  /** The explicit list of another namespace; undefined where it has none and its path prefixes count. */
  readonly explicitParentsOf: (namespace: Namespace) => readonly Namespace[] | undefined;
}

/**
 * The path prefixes that a namespace reads where it names no parents. A single segment (`github.com`, `local`) is none: it
 * belongs to nobody, and whoever filled it would fill it for everything below.
 */
export function defaultParents(namespace: Namespace): readonly Namespace[] {
  return namespaceParents(namespace).filter((parent) => parent.includes('/'));
}

/**
 * The parents of a namespace, in the order of reading; a name that comes twice counts where it comes first.
 * Throws E_NAMESPACE for a name that is not canonical and for a list that leads back to the namespace itself, E_LIMIT
 * for more than `limits.namespaceParents`.
 */
export function validateParents(request: ParentsRequest): readonly Namespace[] {
  const { namespace, explicit, source } = request;
  if (explicit === null) return defaultParents(namespace);
  const parents = [...new Set(explicit.map((text) => parseNamespace(text, source)))];
  if (parents.length > limits.namespaceParents) {
    throw new CachelaneError('E_LIMIT', `${source}: ${parents.length} parents, at most ${limits.namespaceParents}`, {
      hint: 'name those that are worth reading: each is looked up at the start of every run',
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

/** `named`: the one of its list that leads back. */
function hintFor(namespace: Namespace, named: Namespace): string {
  return named === namespace
    ? `take ${namespace} out of the list: what is its own comes first in any case`
    : `take ${named} out of the list, or ${namespace} out of its parents`;
}

/** A way from the namespace back to itself, both ends included; null where there is none. */
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

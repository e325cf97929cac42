import { laneWithoutHub } from '../lanes/local.ts';
import type { Namespace } from '../names/namespace.ts';
import { parseNamespace } from '../names/namespace.ts';
import { defaultParents, validateParents } from '../names/parents.ts';
import { isCovered, type Grantee } from '../sharing/grantee.ts';
import { requireNotPersonal } from '../tiers/personal-tier.ts';
import type { ContextSources } from './context-sources.ts';
import { isSaid } from './file-names.ts';

/** Parents named by a person, with their source. */
interface SaidParents {
  readonly names: readonly string[];
  readonly source: string;
}

/**
 * Returns the parents from CACHELANE_PARENTS, or from the most specific list of the user's configuration; null if
 * there are none.
 */
export function saidParents(
  { parentsVariable, userParents = [] }: ContextSources,
  namespace: Namespace,
): SaidParents | null {
  if (isSaid(parentsVariable)) {
    const words = parentsVariable.split(/[\s,]+/).filter((word) => word !== '');
    return { names: words.length === 1 && words[0] === 'none' ? [] : words, source: 'CACHELANE_PARENTS' };
  }
  const [nearest] = userParents
    .filter((each) => isCovered(each.of, [namespace]))
    .toSorted((a, b) => nearness(b.of) - nearness(a.of));
  return nearest === undefined ? null : { names: nearest.parents, source: nearest.source };
}

function nearness({ namespace, below }: Grantee): number {
  return namespace.length * 2 + (below ? 0 : 1);
}

interface CheckedParents {
  readonly parents: readonly Namespace[];
  /** Parents that an untrusted run (T0) does not read, because a stranger may have written its workflow. */
  readonly leftOut: readonly Namespace[];
}

/** Checks named parents. Throws E_NAMESPACE, E_LIMIT. */
export function checkSaid(
  { platform }: ContextSources,
  namespace: Namespace,
  { names, source }: SaidParents,
): CheckedParents {
  const asked = validateParents({
    namespace,
    // One list may serve a whole organisation, including the parents' own runs, so skip the namespace itself and
    // those below it.
    explicit: names
      .map((name) => chosenName(name, source))
      .filter((name) => name !== namespace && !name.startsWith(`${namespace}/`)),
    source,
    explicitParentsOf: () => undefined,
  });
  if (platform === null || laneWithoutHub(platform).trust !== 'T0') return { parents: asked, leftOut: [] };
  const prefixes = new Set(defaultParents(namespace));
  return {
    parents: asked.filter((parent) => prefixes.has(parent)),
    leftOut: asked.filter((parent) => !prefixes.has(parent)),
  };
}

/** Parses a typed name. Throws E_NAMESPACE, also for the personal tier. */
export function chosenName(text: string, source: string): Namespace {
  return requireNotPersonal(parseNamespace(text, source), source);
}

import { laneWithoutHub } from '../lanes/local.ts';
import type { Namespace } from '../names/namespace.ts';
import { parseNamespace } from '../names/namespace.ts';
import { defaultParents, validateParents } from '../names/parents.ts';
import { isCovered, type Grantee } from '../sharing/grantee.ts';
import { requireNotPersonal } from '../tiers/personal-tier.ts';
import type { ContextSources } from './context-sources.ts';
import { isSaid } from './file-names.ts';

/** Parents that a person names, and who it was. */
interface SaidParents {
  readonly names: readonly string[];
  readonly source: string;
}

/** Null: nobody but files of the repository has a say. Of a person's own lists the one that is most about the project counts. */
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
  /** Beyond what a run that nobody vouches for reads: its workflow may be a stranger's as well. */
  readonly leftOut: readonly Namespace[];
}

/** Throws E_NAMESPACE, E_LIMIT. */
export function checkSaid(
  { platform }: ContextSources,
  namespace: Namespace,
  { names, source }: SaidParents,
): CheckedParents {
  const asked = validateParents({
    namespace,
    // It may hold for all that an organisation runs, the parents' own runs among them, and those of what is above a parent.
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

/** A name that somebody typed, and that is not a person's own tier. Throws E_NAMESPACE. */
export function chosenName(text: string, source: string): Namespace {
  return requireNotPersonal(parseNamespace(text, source), source);
}

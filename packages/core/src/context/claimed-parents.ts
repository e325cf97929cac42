import type { ChainLink } from '../lanes/chain-link.ts';
import type { Namespace } from '../names/namespace.ts';
import type { VolumeName } from '../names/volume.ts';
import { type Bounds, mayReach, sharesAny } from '../sharing/bounds.ts';
import type { ClaimedParent, Context, ContextInput } from './context.ts';

export interface SettledParents {
  readonly context: Context;
  /** A warning about parents that share nothing, one sentence; null if there are none. */
  readonly warning: string | null;
}

/**
 * Returns the context with the project's grants. If parents need grants, claimed parents that share nothing are
 * removed.
 */
export function settleParents(context: Context, shared: Bounds): SettledParents {
  const { claimed } = context;
  if (claimed === undefined) return { context, warning: null };
  const strangers = claimed.parents.filter(({ namespace }) => !sharesAny(shared, namespace));
  const isOut = (asked: Namespace): boolean => claimed.needGrant && isOneOf(strangers, asked);
  const parents = context.parents.filter((parent) => !isOut(parent));
  const settled = {
    ...context,
    parents,
    claimed: { ...claimed, shared },
    readChain: context.readChain.filter(({ namespace }) => !isOut(namespace)),
  };
  return {
    context: { ...settled, inputs: [...context.inputs, ...claimed.parents.map((claim) => claimInput(settled, claim))] },
    warning: strangers.length === 0 ? null : strangersText(context, strangers),
  };
}

function claimInput(settled: Context, { namespace }: ClaimedParent): ContextInput {
  const isRead = settled.parents.includes(namespace);
  return { name: 'parent', value: isRead ? namespace : `not ${namespace}`, source: parentBy(settled, namespace) };
}

function strangersText({ namespace, named, claimed }: Context, strangers: readonly ClaimedParent[]): string {
  const names = strangers.map((each) => each.namespace).join(', ');
  const [first] = strangers;
  const isOne = strangers.length === 1;
  const grant = `cachelane grant --all -n ${first?.namespace} --to ${namespace}${isOne ? '' : ', and the same for the others'}`;
  const what = `${first?.source} names ${names} as ${isOne ? 'a parent' : 'parents'}, and ${namespace} has no grant for it`;
  return claimed?.needGrant === true
    ? `${what}; it is skipped: set CACHELANE_PARENTS=${named?.parents.join(',')} in the CI configuration, or run ${grant}`
    : `${what}; it is read anyway outside CI: to avoid this warning, run ${grant}`;
}

/**
 * Returns the chain for a volume. If parents need grants, it leaves out claimed parents that do not share the volume.
 */
export function sharedLinks(
  { claimed }: Pick<Context, 'claimed'>,
  chain: readonly ChainLink[],
  volume: VolumeName,
): readonly ChainLink[] {
  if (claimed?.needGrant !== true) return chain;
  const { shared } = claimed;
  return chain.filter(
    ({ namespace, lane }) =>
      !isOneOf(claimed.parents, namespace) ||
      (shared !== null && mayReach(shared, { namespace, volume, access: 'read', lane })),
  );
}

/** Returns the parents whose volumes a run may read without separate grants. */
export function openParents({ parents, claimed }: Pick<Context, 'parents' | 'claimed'>): readonly Namespace[] {
  return claimed?.needGrant === true ? parents.filter((parent) => !isOneOf(claimed.parents, parent)) : parents;
}

function isOneOf(claims: readonly ClaimedParent[], asked: Namespace): boolean {
  return claims.some(({ namespace }) => namespace === asked);
}

/** Returns what made a namespace a parent of the project; one clause of display text. */
export function parentBy({ named, claimed }: Pick<Context, 'named' | 'claimed'>, parent: Namespace): string {
  const claim = claimed?.parents.find(({ namespace }) => namespace === parent);
  if (claimed !== undefined && claim !== undefined) {
    const isGranted = claimed.shared !== null && sharesAny(claimed.shared, parent);
    if (isGranted) return `${claim.source}, by a grant`;
    return claimed.needGrant ? `${claim.source}, without a grant` : `${claim.source}, on your own machine`;
  }
  return named?.parents.includes(parent) === true ? named.by : 'the path of the project';
}

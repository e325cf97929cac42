import { CachelaneError, type Reaching, isPersonal, mayReach } from '@cachelane/core';
import type { ReachQuestion } from '../model/reach-question.ts';
import { type BoundsDependencies, boundsOf } from './bounds-of.ts';

/** Errors: E_GRANT, in the same words whether there is such a volume or not. */
export async function requireReach(
  deps: BoundsDependencies,
  question: ReachQuestion,
  signal: AbortSignal,
): Promise<void> {
  const { word, access, parents, namespace, caller } = question;
  if (word === 'person') return;
  if (word === 'repository' && access === 'read' && parents.includes(namespace)) return;
  if (!mayReach(await boundsOf(deps, caller, signal), question)) throw withoutGrant(question);
}

/** The refusal of what reaches too far. */
export function withoutGrant({
  caller,
  namespace,
  volume,
  access,
  lane,
}: Pick<ReachQuestion, 'caller' | keyof Reaching>): CachelaneError {
  const where = access === 'write' ? ` on lane ${lane}` : '';
  return new CachelaneError('E_GRANT', `${caller} has no grant to ${access} ${namespace}:${volume}${where}`, {
    hint: isPersonal(namespace)
      ? 'it is the tier of whoever owns the machine, and shared with nobody'
      : `whoever decides for ${namespace} gives one: cachelane grant ${namespace}:${volume} --to ${caller} --${access}`,
  });
}

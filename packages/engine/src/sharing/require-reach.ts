import { CachelaneError, type Reaching, isPersonal, mayReach } from '@cachelane/core';
import type { ReachQuestion } from '../model/reach-question.ts';
import { type BoundsDependencies, boundsOf } from './bounds-of.ts';

/** Throws E_GRANT, with the same words whether the volume exists or not. */
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

/** Returns the error for a missing grant. */
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
      ? "it is the personal tier of the machine's owner, which is never shared"
      : `the owner of ${namespace} can grant it: cachelane grant ${namespace}:${volume} --to ${caller} --${access}`,
  });
}

import type { Namespace, Reaching, WhoseWord } from '@cachelane/core';

/** A volume that somebody wants, by its address. */
export interface ReachQuestion extends Reaching {
  /** Whose run it is. */
  readonly caller: Namespace;
  /** Those of the run: what they share is read without a grant, save by confined sessions. */
  readonly parents: readonly Namespace[];
  readonly word: WhoseWord;
}

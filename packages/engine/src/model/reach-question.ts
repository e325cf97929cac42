import type { Namespace, Reaching, WhoseWord } from '@cachelane/core';

/** Whether a run may reach a volume. */
export interface ReachQuestion extends Reaching {
  /** The namespace of the run. */
  readonly caller: Namespace;
  /** The run's parents. An unconfined run reads their shared volumes without a grant. */
  readonly parents: readonly Namespace[];
  readonly word: WhoseWord;
}

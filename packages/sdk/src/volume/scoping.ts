/** Where volumes are that say nowhere where they are. */
export interface Scoping {
  /** Null: the program's own project. */
  readonly namespace: string | null;
  /** Names inside it, outermost first. */
  readonly scope: readonly string[];
}

export const ownProject: Scoping = { namespace: null, scope: [] };

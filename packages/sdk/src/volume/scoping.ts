/** The default place of volumes. */
export interface Scoping {
  /** Null: the program's own project. */
  readonly namespace: string | null;
  /** Names below it, outermost first. */
  readonly scope: readonly string[];
}

export const ownProject: Scoping = { namespace: null, scope: [] };

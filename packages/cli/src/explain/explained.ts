import type {
  CachelaneError,
  ChainLink,
  Context,
  LowLevelId,
  Namespace,
  NamespaceId,
  ProviderReport,
  ProviderWish,
  Revocation,
  VolumeSeed,
} from '@cachelane/core';
import type { ExplainedTier, ListedHead, MounterChoice, PlannedVolume } from '@cachelane/engine';
import type { ExplainedLifetime } from './explain-lifetime.ts';
import type { ExplainedRemote } from './explain-remote.ts';

export interface Explained {
  readonly context: Context;
  readonly namespace: Namespace;
  /** Null until the first run gives the namespace its id. */
  readonly namespaceId: NamespaceId | null;
  readonly lowLevelId: LowLevelId | null;
  readonly planned: PlannedVolume;
  /** False for a stored directory whose path each run names with -v. */
  readonly hasPlace: boolean;
  /** What lies below the lanes that are read; null: nothing. */
  readonly seed: VolumeSeed | null;
  readonly chain: readonly { readonly link: ChainLink; readonly held: ListedHead | null }[];
  /** What decided what it is made of; null: it is the project's own volume. */
  readonly provider: ProviderReport | null;
  /** What others wanted who have less to say. */
  readonly overridden: readonly ProviderWish[];
  /** What makes a plain `cachelane run` attach it: a lockfile, a line of the file; null where nothing does. */
  readonly chosenBy: string | null;
  readonly choice: MounterChoice;
  readonly remote: ExplainedRemote;
  /** Runs of the namespace that were revoked, the latest first. */
  readonly revoked: readonly Revocation[];
  readonly lifetime: ExplainedLifetime;
  /** What a policy makes of a name that no catalog has, and that a definition is deprecated, one sentence; null: nothing is to be said. */
  readonly catalog: string | null;
  /** By that policy: a run is without it. */
  readonly isLeftOut: boolean;
  /** Why nothing can be saved to it, a volume of another project; null: it can. */
  readonly ungranted: CachelaneError | null;
  /** Nearest first. */
  readonly tiers: readonly ExplainedTier[];
  /** What else the words may have meant; null where that is plain. */
  readonly note: string | null;
}

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
  /** How `run -v` names it. */
  readonly flag: string;
  /** How runs reach a stored volume of a tool that has another name; null: with {@link flag}. */
  readonly inFile: string | null;
  /** Why a run refuses its path; null: it does not. */
  readonly refused: string | null;
  /** Contents below the read chain; null: none. */
  readonly seed: VolumeSeed | null;
  readonly chain: readonly { readonly link: ChainLink; readonly held: ListedHead | null }[];
  /** The provider's answer; null: the project's own volume. */
  readonly provider: ProviderReport | null;
  /** Overridden provider choices. */
  readonly overridden: readonly ProviderWish[];
  /** Why a plain `cachelane run` attaches it: a lockfile or a line of the configuration; null: it does not. */
  readonly chosenBy: string | null;
  readonly choice: MounterChoice;
  readonly remote: ExplainedRemote;
  /** Revoked runs of the namespace, latest first. */
  readonly revoked: readonly Revocation[];
  readonly lifetime: ExplainedLifetime;
  /** One sentence on the policy catalog-names or a deprecated definition; null: neither applies. */
  readonly catalog: string | null;
  /** Whether that policy makes runs leave it out. */
  readonly isLeftOut: boolean;
  /** The missing grant to save to another project's volume; null: none is missing. */
  readonly ungranted: CachelaneError | null;
  /** Nearest first. */
  readonly tiers: readonly ExplainedTier[];
  /** Another reading of the argument; null: there is none. */
  readonly note: string | null;
}

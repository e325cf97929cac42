import type { LockedCatalog } from '../catalogs/catalog-lock.ts';
import { providerSources, type ProviderSourceKind } from './provider-rights.ts';
import { providerText, type ProviderRef } from './provider-ref.ts';

/** A request that a volume has this provider. */
export interface ProviderWish {
  readonly ref: ProviderRef;
  readonly by: ProviderSourceKind;
  /** For people: `--provider`, `CACHELANE_PROVIDERS`, `cachelane.yaml:4`. */
  readonly source: string;
}

export interface ProviderChoice extends ProviderWish {
  /**
   * For the kind `catalog`: returns the locked catalogs. Throws E_CATALOG for an unreadable lock. Absent: there is no
   * lock.
   */
  readonly locked?: () => readonly LockedCatalog[];
  /** For the kind `catalog`: the alias as written. */
  readonly alias?: string;
  /** Requests of lower rank, the nearest first. */
  readonly overridden: readonly ProviderWish[];
}

/**
 * Returns the request of the highest source, and of one source the last. Null: no requests, so the volume is the
 * project's own.
 */
export function chooseProvider(wishes: readonly ProviderWish[]): ProviderChoice | null {
  const rank = ({ by }: ProviderWish): number => providerSources.indexOf(by);
  const [chosen, ...overridden] = wishes.toReversed().toSorted((a, b) => rank(a) - rank(b));
  return chosen === undefined ? null : { ...chosen, overridden };
}

/** Returns the request as display text. */
export function wishText({ ref, source }: Pick<ProviderWish, 'ref' | 'source'>): string {
  return `${providerText(ref)} (${source})`;
}

import type { LockedCatalog } from '../catalogs/catalog-lock.ts';
import { providerSources, type ProviderSourceKind } from './provider-rights.ts';
import { providerText, type ProviderRef } from './provider-ref.ts';

/** That somebody wants a volume to have this provider. */
export interface ProviderWish {
  readonly ref: ProviderRef;
  readonly by: ProviderSourceKind;
  /** For people: `--provider`, `CACHELANE_PROVIDERS`, `cachelane.yaml:4`. */
  readonly source: string;
}

export interface ProviderChoice extends ProviderWish {
  /** Of the kind `catalog`: what the project has locked. Throws E_CATALOG for a lock that cannot be read. Left out: there is no lock to look at. */
  readonly locked?: () => readonly LockedCatalog[];
  /** Of the kind `catalog`: as it was said, before it was known whose it is. */
  readonly alias?: string;
  /** What those wanted who have less to say, the first of them nearest. */
  readonly overridden: readonly ProviderWish[];
}

/** Of several wishes for one volume that of the highest source counts, and of one source the last. Null: nobody wants anything, and the volume is the project's own. */
export function chooseProvider(wishes: readonly ProviderWish[]): ProviderChoice | null {
  const rank = ({ by }: ProviderWish): number => providerSources.indexOf(by);
  const [chosen, ...overridden] = wishes.toReversed().toSorted((a, b) => rank(a) - rank(b));
  return chosen === undefined ? null : { ...chosen, overridden };
}

/** For people. */
export function wishText({ ref, source }: Pick<ProviderWish, 'ref' | 'source'>): string {
  return `${providerText(ref)} (${source})`;
}

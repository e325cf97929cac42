import {
  isCachelaneError,
  parseCatalogArgument,
  type LockedCatalog,
  type ProviderChoice,
  type ProviderWish,
} from '@cachelane/core';
import { catalogAliases } from '../config/catalog-aliases.ts';
import type { Config } from '../config/config-types.ts';
import type { ProviderWishes } from './provider-wishes.ts';

interface Files {
  readonly config: Pick<Config, 'catalogs'> | null;
  readonly user: ProviderWishes['user'];
  /** Returns the project's locked catalogs. Errors: E_CATALOG and E_LIMIT for an unreadable lock. */
  readonly locked: () => readonly LockedCatalog[];
}

type OfCatalog = ProviderWish & Pick<ProviderChoice, 'locked' | 'alias'>;

/**
 * Replaces the alias of a catalog by its namespace, and adds the project's locked version. An alias defined in the repository makes the wish
 * the repository's. An unreadable lock fails only this volume.
 */
export function ofCatalog(wish: ProviderWish, { config, user, locked }: Files): OfCatalog {
  if (wish.ref.kind !== 'catalog') return wish;
  const { catalog, definition } = parseCatalogArgument(wish.ref.argument);
  const named = catalogAliases({ config, user, locked: asFarAsRead(locked) }).get(catalog);
  const own = { ...wish, locked, alias: catalog };
  if (named === undefined) return own;
  const ref = { ...wish.ref, argument: `${named.namespace}/${definition}` };
  if (!named.isOfRepository || wish.by === 'session') return { ...own, ref };
  return { ...own, ref, by: 'repository', source: `${wish.source}, ${catalog} by ${named.source}` };
}

function asFarAsRead(locked: Files['locked']): readonly LockedCatalog[] {
  try {
    return locked();
  } catch (error) {
    if (isCachelaneError(error)) return [];
    throw error;
  }
}

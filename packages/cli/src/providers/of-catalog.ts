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
  /** What the project has locked. Errors: E_CATALOG and E_LIMIT for a lock that cannot be read. */
  readonly locked: () => readonly LockedCatalog[];
}

type OfCatalog = ProviderWish & Pick<ProviderChoice, 'locked' | 'alias'>;

/**
 * The wish with the namespace of the catalog in place of what files call it, and with what the project has locked. Whom a file in the repository names is that file's word, whoever says the alias. A lock that cannot be read is told of once the wish is to be
 * granted: other volumes do not hang on it.
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

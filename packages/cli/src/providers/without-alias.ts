import { parseCatalogArgument, type ProviderWish } from '@cachelane/core';
import { catalogAliases } from '../catalog-aliases.ts';
import type { Config } from '../config.ts';
import type { ProviderWishes } from './provider-wishes.ts';

interface Files {
  readonly config: Pick<Config, 'catalogs'> | null;
  readonly user: ProviderWishes['user'];
}

/** The wish with the namespace of the catalog in place of what files call it. Whom a file in the repository names is that file's word, whoever says the alias. */
export function withoutAlias(wish: ProviderWish, { config, user }: Files): ProviderWish {
  if (wish.ref.kind !== 'catalog') return wish;
  const { catalog, definition } = parseCatalogArgument(wish.ref.argument);
  const named = catalogAliases(config, user).get(catalog);
  if (named === undefined) return wish;
  const ref = { ...wish.ref, argument: `${named.namespace}/${definition}` };
  if (!named.isOfRepository || wish.by === 'session') return { ...wish, ref };
  return { ...wish, ref, by: 'repository', source: `${wish.source}, ${catalog} by ${named.source}` };
}

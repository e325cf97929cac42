import { defaultParents, type LockedCatalog, type Namespace, configFileName, lockFileName } from '@cachelane/core';
import type { CatalogAlias, Config, UserConfig } from './config-types.ts';

/** A namespace with an alias, and its source: `cachelane.yaml:4`. */
export interface NamedCatalog {
  readonly namespace: Namespace;
  readonly source: string;
  /** Whether a file in the repository defines it. */
  readonly isOfRepository: boolean;
}

/** Sources of aliases. */
interface AliasSources {
  readonly config: Pick<Config, 'catalogs'> | null;
  readonly user: Pick<UserConfig, 'catalogs' | 'path'> | null;
  readonly locked: readonly LockedCatalog[];
}

/** Returns namespaces by alias. The user's file wins over the project's, and that over its lock. */
export function catalogAliases({ config, user, locked }: AliasSources): ReadonlyMap<string, NamedCatalog> {
  const named = (source: string, isOfRepository: boolean, aliases: readonly CatalogAlias[] = []) =>
    aliases.map(({ alias, namespace: { value, line } }): readonly [string, NamedCatalog] => [
      alias,
      { namespace: value, source: `${source}:${line}`, isOfRepository },
    ]);
  const ofLock = locked.map(({ alias, namespace }): readonly [string, NamedCatalog] => [
    alias,
    { namespace, source: lockFileName, isOfRepository: true },
  ]);
  return new Map([
    ...ofLock,
    ...named(configFileName, true, config?.catalogs),
    ...named(user?.path ?? '', false, user?.catalogs),
  ]);
}

/** Returns the aliases of the user's file that a confined session may know: of its namespace and the ones above. */
export function aliasesAbove<T extends Pick<UserConfig, 'catalogs'>>(user: T | null, own: Namespace): T | null {
  const known: readonly Namespace[] = [own, ...defaultParents(own)];
  return user && { ...user, catalogs: user.catalogs.filter(({ namespace }) => known.includes(namespace.value)) };
}

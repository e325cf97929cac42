import { defaultParents, type LockedCatalog, type Namespace, configFileName, lockFileName } from '@cachelane/core';
import type { CatalogAlias, Config, UserConfig } from './config-types.ts';

/** What somebody calls a namespace, and who: `cachelane.yaml:4`. */
export interface NamedCatalog {
  readonly namespace: Namespace;
  readonly source: string;
  /** A file in the repository says it. */
  readonly isOfRepository: boolean;
}

/** Who says what namespaces are called. */
interface AliasSources {
  readonly config: Pick<Config, 'catalogs'> | null;
  readonly user: Pick<UserConfig, 'catalogs' | 'path'> | null;
  /** What the project has locked. */
  readonly locked: readonly LockedCatalog[];
}

/** By what they are called: the person's own file counts before that of the project, and that before its lock. */
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

/** What a confined session of a namespace may know of a person's own file: what they call that, and those above it. */
export function aliasesAbove<T extends Pick<UserConfig, 'catalogs'>>(user: T | null, own: Namespace): T | null {
  const known: readonly Namespace[] = [own, ...defaultParents(own)];
  return user && { ...user, catalogs: user.catalogs.filter(({ namespace }) => known.includes(namespace.value)) };
}

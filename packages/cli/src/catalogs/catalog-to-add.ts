import { CachelaneError, parseNamespace, type LockedCatalog, type Namespace } from '@cachelane/core';
import type { NamedCatalog } from '../config/catalog-aliases.ts';

/** The arguments of `cachelane add`. */
export interface AddWords {
  /** A namespace or an alias. */
  readonly name: string | undefined;
  readonly as: string | undefined;
  readonly version: string | undefined;
  readonly accepted: readonly string[];
}

export interface CatalogToAdd {
  readonly namespace: Namespace;
  /** Null to keep the current alias, or to use the namespace's last part. */
  readonly alias: string | null;
}

interface Known {
  readonly locked: readonly LockedCatalog[];
  /** Aliases from files and the lock. */
  readonly aliases: ReadonlyMap<string, NamedCatalog>;
}

/** Returns the catalog to add; null for all locked ones. Errors: E_USAGE for options that need one catalog, E_NAMESPACE. */
export function catalogToAdd(words: AddWords, { locked, aliases }: Known): CatalogToAdd | null {
  const { name, as, version, accepted } = words;
  if (name === undefined) {
    const isAll = as === undefined && version === undefined && accepted.length === 0;
    return isAll ? null : onlyOne(words, locked);
  }
  const named = name.includes('/') ? undefined : aliases.get(name);
  if (named !== undefined) return { namespace: named.namespace, alias: as ?? name };
  const namespace = parseNamespace(name, 'NAMESPACE');
  const isLocked = locked.some((each) => each.namespace === namespace);
  const [called] = [...aliases].find(([, each]) => each.namespace === namespace) ?? [];
  return { namespace, alias: as ?? (isLocked ? null : (called ?? null)) };
}

/** Returns the catalog if none was named: the one with the alias, the only one with the accepted names, or the only locked one. */
function onlyOne({ as, accepted }: AddWords, locked: readonly LockedCatalog[]): CatalogToAdd {
  const all = as === undefined ? locked : locked.filter(({ alias }) => alias === as);
  const fitting = all.filter((each) => accepted.every((name) => isStale(each, name)));
  const [first, ...more] = fitting.length > 0 ? fitting : all;
  if (first !== undefined && more.length === 0) return { namespace: first.namespace, alias: first.alias };
  const names = locked.map(({ alias }) => alias).join(', ');
  throw new CachelaneError('E_USAGE', '--as, --version and --accept need one catalog', {
    hint: `name it: cachelane add NAMESPACE${names === '' ? '' : `, or one of the locked ones: ${names}`}`,
  });
}

function isStale({ gone, changed }: LockedCatalog, name: string): boolean {
  return [...gone, ...changed].some((each) => each.name === name);
}

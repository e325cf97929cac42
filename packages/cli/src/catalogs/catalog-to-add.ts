import { CachelaneError, parseNamespace, type LockedCatalog, type Namespace } from '@cachelane/core';
import type { NamedCatalog } from '../config/catalog-aliases.ts';

/** What was said of which catalog is to be locked. */
export interface AddWords {
  /** A namespace, or what the project calls one. */
  readonly name: string | undefined;
  readonly as: string | undefined;
  readonly version: string | undefined;
  readonly accepted: readonly string[];
}

export interface CatalogToAdd {
  readonly namespace: Namespace;
  /** Null: as it is called already, else by the last word of the namespace. */
  readonly alias: string | null;
}

interface Known {
  readonly locked: readonly LockedCatalog[];
  /** What files, and the lock, call namespaces. */
  readonly aliases: ReadonlyMap<string, NamedCatalog>;
}

/** Null: all that is locked. Errors: E_USAGE for what may be said of several, E_NAMESPACE. */
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

/** The one that is meant where nobody names it: it has the alias, or alone has what is to be accepted, or there is no other. */
function onlyOne({ as, accepted }: AddWords, locked: readonly LockedCatalog[]): CatalogToAdd {
  const all = as === undefined ? locked : locked.filter(({ alias }) => alias === as);
  const fitting = all.filter((each) => accepted.every((name) => isStale(each, name)));
  const [first, ...more] = fitting.length > 0 ? fitting : all;
  if (first !== undefined && more.length === 0) return { namespace: first.namespace, alias: first.alias };
  const names = locked.map(({ alias }) => alias).join(', ');
  throw new CachelaneError('E_USAGE', '--as, --version and --accept are about one catalog', {
    hint: `name it: cachelane add NAMESPACE${names === '' ? '' : `, or one of those that are locked: ${names}`}`,
  });
}

function isStale({ gone, changed }: LockedCatalog, name: string): boolean {
  return [...gone, ...changed].some((each) => each.name === name);
}

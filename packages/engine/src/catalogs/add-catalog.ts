import {
  asCachelaneError,
  CachelaneError,
  isCachelaneError,
  lockedAs,
  lockFileName,
  lockCatalog,
  methodName,
  requireAlias,
  requireApart,
  type Catalog,
  type DefinitionChange,
  type LockedCatalog,
  type Namespace,
} from '@cachelane/core';

/** Loads a catalog; `version` null: the latest. Errors: E_NOT_FOUND if the namespace has no catalog, E_CATALOG for an unknown version. */
export type CatalogSource = (namespace: Namespace, version: number | null) => Promise<Catalog>;

export interface AddRequest {
  /** The project's locked catalogs. */
  readonly locked: readonly LockedCatalog[];
  /** Any of the namespace's names. */
  readonly namespace: Namespace;
  /** Null: keep the present alias, or use the last word of the namespace. */
  readonly alias: string | null;
  /** Null: the latest. */
  readonly version: number | null;
  /** Names of definitions whose removal or new volume the caller accepts. */
  readonly accepted: readonly string[];
}

export interface AddedCatalog {
  /** The whole new lock. */
  readonly locked: readonly LockedCatalog[];
  readonly changed: readonly CatalogStep[];
}

/** The change of one catalog in a lock. */
export interface CatalogStep {
  readonly before: LockedCatalog | null;
  readonly after: LockedCatalog;
  readonly changes: readonly DefinitionChange[];
  /** One sentence each. */
  readonly warnings: readonly string[];
}

/**
 * Locks a version of a catalog in place of the present one. Errors: those of the source; E_CATALOG for an invalid or taken alias, or if the
 * catalog has several aliases and none was named.
 */
export async function addCatalog(source: CatalogSource, request: AddRequest): Promise<AddedCatalog> {
  const { locked, namespace, accepted } = request;
  const to = await wantedVersion(source, request);
  const known = locked.filter((each) => each.namespace === to.namespace || each.namespace === namespace);
  if (request.alias === null && known.length > 1) throw severalAliases(namespace, known);
  const alias = requireAlias(request.alias ?? known[0]?.alias ?? aliasFrom(to.namespace));
  const before = locked.find((each) => each.alias === alias) ?? null;
  if (before !== null && !known.includes(before) && !(await isSame(source, before.namespace, to.namespace))) {
    throw new CachelaneError(
      'E_CATALOG',
      `the project already uses the alias ${alias} for the catalog of ${before.namespace}`,
      {
        hint: 'choose another alias with --as, or remove that entry from cachelane.lock',
      },
    );
  }
  const step = await stepTo(source, { alias, before, to, accepted });
  const others = before === null ? known : [];
  const told = others.map(
    (each) =>
      `${each.namespace} is also locked as ${each.alias}, version ${each.version}; remove unused entries from ${lockFileName}`,
  );
  const changed = { ...step, warnings: [...step.warnings, ...told] };
  return { locked: withStep(locked, changed), changed: [changed] };
}

/** Returns the version to lock. If the catalog is unavailable and definitions are only accepted, the lock suffices. Errors: those of the source. */
async function wantedVersion(
  source: CatalogSource,
  { locked, namespace, alias, version, accepted }: AddRequest,
): Promise<Catalog> {
  try {
    return await source(namespace, version);
  } catch (error) {
    const own = lockedAs(locked, { names: [namespace], alias: alias ?? undefined });
    const isKnown = version === null && accepted.length > 0 && isCachelaneError(error, 'E_NOT_FOUND', 'E_CATALOG');
    if (!isKnown || own === undefined) throw error;
    return { ...own.content, namespace, version: own.version, digest: own.digest, publishedAtMs: 0 };
  }
}

function severalAliases(namespace: Namespace, known: readonly LockedCatalog[]): CachelaneError {
  const names = known.map((each) => each.alias);
  return new CachelaneError('E_CATALOG', `${namespace} is locked as ${names.join(' and ')}`, {
    hint: `name one alias: cachelane add ${names[0]}; or run cachelane add to update all`,
  });
}

/** Locks the latest version of each catalog. A catalog that no longer exists stays locked, with a warning. */
export async function refreshCatalogs(source: CatalogSource, locked: readonly LockedCatalog[]): Promise<AddedCatalog> {
  const changed: CatalogStep[] = [];
  for (const before of locked) {
    try {
      const to = await source(before.namespace, null);
      changed.push(await stepTo(source, { alias: before.alias, before, to, accepted: [] }));
    } catch (thrown) {
      const { code, message } = asCachelaneError(thrown);
      if (code !== 'E_NOT_FOUND' && code !== 'E_CATALOG') throw thrown;
      const warnings = [`${before.alias} stays at version ${before.version}: ${message}`];
      changed.push({ before, after: before, changes: [], warnings });
    }
  }
  return { locked: changed.reduce(withStep, locked), changed };
}

/** Returns the last word of the namespace if it is a valid alias. */
function aliasFrom(namespace: Namespace): string {
  const [last = ''] = namespace.split('/').slice(-1);
  return last.replaceAll(/[^A-Za-z0-9]+/g, '-').replaceAll(/^[^A-Za-z]+|-+$/g, '');
}

/** Whether two names mean the same namespace, also after a rename. */
async function isSame(source: CatalogSource, asked: Namespace, present: Namespace): Promise<boolean> {
  return (await versionOr(source, asked, null))?.namespace === present;
}

interface Step {
  readonly alias: string;
  readonly before: LockedCatalog | null;
  readonly to: Catalog;
  readonly accepted: readonly string[];
}

async function stepTo(source: CatalogSource, { alias, before, to, accepted }: Step): Promise<CatalogStep> {
  const between = before === null ? [] : await versionsBetween(source, before, to);
  const { locked: after, changes } = lockCatalog({ alias, before, between, to, accepted });
  return { before, after, changes, warnings: before === null ? [] : await vanished(source, before, to) };
}

/** Number of versions searched for a removed definition. */
const versionsRead = 100;

async function versionsBetween(source: CatalogSource, before: LockedCatalog, to: Catalog): Promise<readonly Catalog[]> {
  const found: Catalog[] = [];
  for (let version = Math.max(before.version + 1, to.version - versionsRead); version < to.version; version++) {
    const catalog = await versionOr(source, to.namespace, version);
    if (catalog !== undefined) found.push(catalog);
  }
  return found;
}

async function vanished(source: CatalogSource, before: LockedCatalog, to: Catalog): Promise<readonly string[]> {
  const { alias, version, digest } = before;
  if (version === to.version && digest === to.digest) return [];
  const there = await versionOr(source, to.namespace, version);
  if (there?.digest === digest) return [];
  const why = there === undefined ? 'no longer exists' : 'differs from the locked one';
  return [`${alias} was locked at version ${version}, which ${why}`];
}

async function versionOr(
  source: CatalogSource,
  namespace: Namespace,
  version: number | null,
): Promise<Catalog | undefined> {
  try {
    return await source(namespace, version);
  } catch (error) {
    if (isCachelaneError(error, 'E_NOT_FOUND', 'E_CATALOG')) return undefined;
    throw error;
  }
}

/** Errors: E_CATALOG for two aliases that code cannot tell apart. */
function withStep(locked: readonly LockedCatalog[], { after }: CatalogStep): readonly LockedCatalog[] {
  return requireApart([...locked.filter(({ alias }) => alias !== after.alias), after]).toSorted((a, b) =>
    methodName(a.alias) < methodName(b.alias) ? -1 : 1,
  );
}

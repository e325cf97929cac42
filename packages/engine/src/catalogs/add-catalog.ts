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

/**
 * Where catalogs come from. `version` null: the latest. Errors: E_NOT_FOUND where the namespace offers nothing, E_CATALOG for a version that is not there.
 */
export type CatalogSource = (namespace: Namespace, version: number | null) => Promise<Catalog>;

export interface AddRequest {
  /** What the project has locked. */
  readonly locked: readonly LockedCatalog[];
  /** Any of its names. */
  readonly namespace: Namespace;
  /** Null: as it is called already, else by the last word of the namespace. */
  readonly alias: string | null;
  /** Null: the latest. */
  readonly version: number | null;
  /** Names of definitions that the caller knows to be gone, or another volume. */
  readonly accepted: readonly string[];
}

export interface AddedCatalog {
  /** All that is locked from now on. */
  readonly locked: readonly LockedCatalog[];
  readonly changed: readonly CatalogStep[];
}

/** What became of one catalog in a lock. */
export interface CatalogStep {
  readonly before: LockedCatalog | null;
  readonly after: LockedCatalog;
  readonly changes: readonly DefinitionChange[];
  /** One sentence each. */
  readonly warnings: readonly string[];
}

/** Locks a version of what a namespace offers, in the place of another one. Errors: those of the source; E_CATALOG for an alias that cannot be one, or is another catalog's, and for none where the catalog has several. */
export async function addCatalog(source: CatalogSource, request: AddRequest): Promise<AddedCatalog> {
  const { locked, namespace, accepted } = request;
  const to = await wantedVersion(source, request);
  const known = locked.filter((each) => each.namespace === to.namespace || each.namespace === namespace);
  if (request.alias === null && known.length > 1) throw severalAliases(namespace, known);
  const alias = requireAlias(request.alias ?? known[0]?.alias ?? aliasFrom(to.namespace));
  const before = locked.find((each) => each.alias === alias) ?? null;
  if (before !== null && !known.includes(before) && !(await isSame(source, before.namespace, to.namespace))) {
    throw new CachelaneError('E_CATALOG', `${alias} is what the project calls the catalog of ${before.namespace}`, {
      hint: 'choose another alias with --as, or take that entry out of cachelane.lock',
    });
  }
  const step = await stepTo(source, { alias, before, to, accepted });
  const others = before === null ? known : [];
  const told = others.map(
    (each) =>
      `${each.namespace} is locked as ${each.alias} as well, in version ${each.version}: what no code asks for can be taken out of ${lockFileName}`,
  );
  const changed = { ...step, warnings: [...step.warnings, ...told] };
  return { locked: withStep(locked, changed), changed: [changed] };
}

/** Of what is only to be accepted the lock knows enough, where the catalog is not to be had. Errors: those of the source. */
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
    hint: `say which: cachelane add ${names[0]}; or cachelane add for all that is locked`,
  });
}

/** Locks the latest version of each catalog. One that is not there any more stays as it is, with a warning. */
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

/** The last word of the namespace, as far as an alias may have it. */
function aliasFrom(namespace: Namespace): string {
  const [last = ''] = namespace.split('/').slice(-1);
  return last.replaceAll(/[^A-Za-z0-9]+/g, '-').replaceAll(/^[^A-Za-z]+|-+$/g, '');
}

/** Renamed, a namespace is the same by any of its names. */
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

/** How many versions are read for what they say of a definition that went. */
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
  const why = there === undefined ? 'is not there any more' : 'is another one there than what was locked';
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

/** Errors: E_CATALOG for an alias that code could not tell from another one. */
function withStep(locked: readonly LockedCatalog[], { after }: CatalogStep): readonly LockedCatalog[] {
  return requireApart([...locked.filter(({ alias }) => alias !== after.alias), after]).toSorted((a, b) =>
    methodName(a.alias) < methodName(b.alias) ? -1 : 1,
  );
}

import { CachelaneError } from '../base/errors.ts';
import { parseDigest, type Digest } from '../base/digest.ts';
import { limits } from '../base/limits.ts';
import { parseNamespace, type Namespace } from '../names/namespace.ts';
import { catalogDigest, catalogText } from './catalog-text.ts';
import type { CatalogContent } from './definition.ts';
import { isFreeAlias, isFreeMethodName, methodName } from './method-name.ts';
import { isWhyText, isDefinitionName, readCatalog } from './read-catalog.ts';

/** A catalog version that a project's code was written for. */
export interface LockedCatalog {
  /** The project's name for the catalog: `my-org`. */
  readonly alias: string;
  readonly namespace: Namespace;
  readonly version: number;
  readonly digest: Digest;
  readonly content: CatalogContent;
  /** Definitions of earlier locked versions that no longer exist, in the order of their names. */
  readonly gone: readonly StaleDefinition[];
  /** Definitions that now mean another volume, and that the project has not accepted. */
  readonly changed: readonly StaleDefinition[];
}

/** A definition that code may still use. Using it fails with the reason, instead of returning an empty volume. */
export interface StaleDefinition {
  readonly name: string;
  /** The text after "was": `removed in version 4: use uv-cache`. */
  readonly why: string;
}

/** Returns why the definition cannot be used, as a sentence. */
export function staleText({ name, why }: StaleDefinition): string {
  return `${name} was ${why}`;
}

export const lockFileName = 'cachelane.lock';

/** Identifies a catalog in a lock. */
export interface LockQuestion {
  /** All names that it may be locked under. */
  readonly names: readonly Namespace[];
  /** The preferred alias; absent: find it by namespace. */
  readonly alias?: string | undefined;
}

/**
 * Returns the locked catalog, if any. If several aliases lock versions of it and none is the preferred one, returns
 * the latest version.
 */
export function lockedAs(locked: readonly LockedCatalog[], { names, alias }: LockQuestion): LockedCatalog | undefined {
  const all = locked.filter(({ namespace }) => names.includes(namespace));
  return all.find((each) => each.alias === alias) ?? all.toSorted((a, b) => b.version - a.version)[0];
}

/** The hint for an unreadable lock. */
export const lockHint = 'restore it, or delete it and lock its catalogs again: cachelane add NAMESPACE --as ALIAS';

const format = 'cachelane-lock';
const version = 1;

/**
 * Returns the lock as JSON with one line for each definition, so that merges are easy. Equal locks give equal text.
 * Errors: E_LIMIT.
 */
export function encodeLock(catalogs: readonly LockedCatalog[]): string {
  requireSize(catalogs, lockFileName);
  const entries = catalogs.toSorted((a, b) => (a.alias < b.alias ? -1 : 1)).map((each) => [each.alias, partsOf(each)]);
  return `${JSON.stringify({ format, version, catalogs: Object.fromEntries(entries) }, null, 2)}\n`;
}

function partsOf({ namespace, version: locked, digest, content, gone, changed }: LockedCatalog): object {
  return {
    namespace,
    version: locked,
    digest,
    content: JSON.parse(catalogText(content)) as object,
    gone: whys(gone),
    changed: whys(changed),
  };
}

function whys(stale: readonly StaleDefinition[]): object {
  return Object.fromEntries(byName(stale).map(({ name, why }) => [name, why]));
}

function byName<T extends { readonly name: string }>(all: readonly T[]): readonly T[] {
  return all.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function requireSize(catalogs: readonly LockedCatalog[], source: string): void {
  const count = catalogs.reduce((sum, { content, gone }) => sum + content.definitions.length + gone.length, 0);
  if (count <= limits.lockedDefinitions) return;
  throw new CachelaneError(
    'E_LIMIT',
    `${source} would have ${count} definitions, at most ${limits.lockedDefinitions}`,
    {
      hint: 'lock only catalogs in use, and accept removed definitions: cachelane add NAMESPACE --accept NAME',
    },
  );
}

/** Parses a lock. Throws E_CATALOG for other text and for manual changes; E_LIMIT. */
export function parseLock(text: string, source: string): readonly LockedCatalog[] {
  const root = recordIn(jsonIn(text, source));
  if (root?.['format'] !== format) throw broken(source, 'it is not a lock file of cachelane');
  const written = root['version'];
  if (typeof written !== 'number') throw broken(source, 'it has no format version');
  if (written !== version) {
    throw new CachelaneError('E_CATALOG', `${source} was written by a later version of cachelane`, {
      hint: 'use that version of cachelane',
    });
  }
  const entries = Object.entries(recordIn(root['catalogs']) ?? {});
  const catalogs = requireApart(entries.map(([alias, value]) => lockedIn(alias, value, source)));
  requireSize(catalogs, source);
  return catalogs;
}

/**
 * Returns the alias. Throws E_CATALOG if it cannot be a method name, or if engines or their schema already have that
 * name.
 */
export function requireAlias(alias: string): string {
  const refused = (why: string, hint: string): CachelaneError =>
    new CachelaneError('E_CATALOG', `${JSON.stringify(alias.slice(0, 100))} ${why}`, { hint });
  if (!/^[A-Za-z][A-Za-z0-9-]{0,63}$/.test(alias))
    throw refused('is not a valid alias', 'use a letter, then letters, digits and hyphens: my-org');
  const method = methodName(alias);
  if (isFreeMethodName(method) && isFreeAlias(method)) return alias;
  throw refused(`is not a valid alias: clients already have a method ${method}`, 'choose another one with --as');
}

/** Returns the catalogs. Throws E_CATALOG for two aliases with the same method name. */
export function requireApart(catalogs: readonly LockedCatalog[]): readonly LockedCatalog[] {
  const first = new Map<string, string>();
  for (const { alias } of catalogs) {
    const other = first.get(methodName(alias));
    if (other !== undefined) {
      throw new CachelaneError('E_CATALOG', `${other} and ${alias} would both be the method ${methodName(alias)}`, {
        hint: 'choose another alias for one of them: cachelane add NAMESPACE --as ALIAS',
      });
    }
    first.set(methodName(alias), alias);
  }
  return catalogs;
}

function lockedIn(alias: string, value: unknown, source: string): LockedCatalog {
  const parts = recordIn(value);
  const number = parts?.['version'];
  if (parts === null || typeof number !== 'number' || !Number.isSafeInteger(number) || number < 1)
    throw broken(source, `${alias} has no version`);
  const digest = digestIn(parts['digest'], source, alias);
  const content = contentIn(parts['content'], source, alias);
  if (catalogDigest(content) !== digest) throw broken(source, `the content of ${alias} does not match its digest`);
  const offered = new Set(content.definitions.map(({ name }) => methodName(name)));
  const staleIn = (key: string): readonly StaleDefinition[] =>
    Object.entries(recordIn(parts[key]) ?? {}).map(([name, why]) => {
      const isGone = key === 'gone';
      if (isDefinitionName(name) && isWhyText(why) && offered.has(methodName(name)) !== isGone) return { name, why };
      throw broken(source, `${alias} cannot list ${JSON.stringify(name.slice(0, 100))} as ${key}`);
    });
  return {
    alias: requireAlias(alias),
    namespace: parseNamespace(String(parts['namespace']), source),
    version: number,
    digest,
    content,
    gone: requireNames(staleIn('gone'), source),
    changed: staleIn('changed'),
  };
}

function contentIn(value: unknown, source: string, alias: string): CatalogContent {
  try {
    return readCatalog(value, { source: `${source}, ${alias}`, tools: null });
  } catch (error) {
    if (!(error instanceof CachelaneError)) throw error;
    // This content is not being published, so the publishing hint would not fit.
    throw new CachelaneError(error.code, error.message, { hint: lockHint, cause: error });
  }
}

function digestIn(value: unknown, source: string, alias: string): Digest {
  try {
    return parseDigest(String(value));
  } catch {
    throw broken(source, `${alias} has no digest`);
  }
}

/** Removed definitions need different method names too. */
function requireNames(gone: readonly StaleDefinition[], source: string): readonly StaleDefinition[] {
  if (new Set(gone.map(({ name }) => methodName(name))).size === gone.length) return gone;
  throw broken(source, 'two removed definitions have the same method name');
}

function jsonIn(text: string, source: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (/^(<{7}|={7}|>{7})/m.test(text)) {
      throw new CachelaneError('E_CATALOG', `${source} has the conflict markers of an unfinished merge`, {
        hint: 'keep one side, run cachelane add for the catalogs of the other side, then cachelane generate',
        cause: error,
      });
    }
    throw new CachelaneError('E_CATALOG', `${source} is not JSON`, { hint: lockHint, cause: error });
  }
}

function broken(source: string, why: string): CachelaneError {
  return new CachelaneError('E_CATALOG', `${source}: ${why}`, { hint: lockHint });
}

function recordIn(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : null;
}

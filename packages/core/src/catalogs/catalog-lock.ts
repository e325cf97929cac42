import { CachelaneError } from '../base/errors.ts';
import { parseDigest, type Digest } from '../base/digest.ts';
import { limits } from '../base/limits.ts';
import { parseNamespace, type Namespace } from '../names/namespace.ts';
import { catalogDigest, catalogText } from './catalog-text.ts';
import type { CatalogContent } from './definition.ts';
import { isFreeAlias, isFreeMethodName, methodName } from './method-name.ts';
import { isWhyText, isDefinitionName, readCatalog } from './read-catalog.ts';

/** One catalog as a project's code was written for it. */
export interface LockedCatalog {
  /** What the project calls it, so that code need not name the organisation: `my-org`. */
  readonly alias: string;
  readonly namespace: Namespace;
  readonly version: number;
  readonly digest: Digest;
  readonly content: CatalogContent;
  /** Definitions that an earlier locked version had. In the order of their names, as the other list. */
  readonly gone: readonly StaleDefinition[];
  /** Definitions that are another volume than the project's code was written for, and that nobody has accepted yet. */
  readonly changed: readonly StaleDefinition[];
}

/** What code may still ask for, and would not get: whoever does is told, and given no empty volume instead. */
export interface StaleDefinition {
  readonly name: string;
  /** Behind "was": `removed in version 4: use uv-cache`. */
  readonly why: string;
}

/** A sentence for whoever asks for it. */
export function staleText({ name, why }: StaleDefinition): string {
  return `${name} was ${why}`;
}

export const lockFileName = 'cachelane.lock';

/** A catalog as a project names it. */
export interface LockQuestion {
  /** By all names that it may be locked under. */
  readonly names: readonly Namespace[];
  /** What it was called; left out: by its namespace. */
  readonly alias?: string | undefined;
}

/** What a project has locked of a catalog; undefined: nothing. Where it has several versions of one, under several aliases, and goes by none of these, that is the latest. */
export function lockedAs(locked: readonly LockedCatalog[], { names, alias }: LockQuestion): LockedCatalog | undefined {
  const all = locked.filter(({ namespace }) => names.includes(namespace));
  return all.find((each) => each.alias === alias) ?? all.toSorted((a, b) => b.version - a.version)[0];
}

/** What becomes of one that cannot be read. */
export const lockHint =
  'put it back as it was; or remove it, and lock what it had anew: cachelane add NAMESPACE --as ALIAS';

const format = 'cachelane-lock';
const version = 1;

/** JSON that differs only where the lock does: a line for each definition, for people who merge it. Errors: E_LIMIT. */
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
      hint: 'lock what is used, and let go of what is gone: cachelane add NAMESPACE --accept NAME',
    },
  );
}

/** Throws E_CATALOG for what no version of Cachelane wrote, and for what was changed by hand; E_LIMIT. */
export function parseLock(text: string, source: string): readonly LockedCatalog[] {
  const root = recordIn(jsonIn(text, source));
  if (root?.['format'] !== format) throw broken(source, 'it is no lock file of cachelane');
  const written = root['version'];
  if (typeof written !== 'number') throw broken(source, 'it does not say in which version of its format it is');
  if (written !== version) {
    throw new CachelaneError('E_CATALOG', `${source} was written by a later version of cachelane`, {
      hint: 'use that one here',
    });
  }
  const entries = Object.entries(recordIn(root['catalogs']) ?? {});
  const catalogs = requireApart(entries.map(([alias, value]) => lockedIn(alias, value, source)));
  requireSize(catalogs, source);
  return catalogs;
}

/** Throws E_CATALOG for an alias that no method can have, and for one that an engine, or its schema, has another meaning for. */
export function requireAlias(alias: string): string {
  const refused = (why: string, hint: string): CachelaneError =>
    new CachelaneError('E_CATALOG', `${JSON.stringify(alias.slice(0, 100))} ${why}`, { hint });
  if (!/^[A-Za-z][A-Za-z0-9-]{0,63}$/.test(alias))
    throw refused('cannot be what a catalog is called', 'letters, digits and hyphens behind a letter: my-org');
  const method = methodName(alias);
  if (isFreeMethodName(method) && isFreeAlias(method)) return alias;
  throw refused(
    `cannot be what a catalog is called: ${method} is what clients have already`,
    'choose another one with --as',
  );
}

/** Throws E_CATALOG for two aliases that a client could not tell apart. */
export function requireApart(catalogs: readonly LockedCatalog[]): readonly LockedCatalog[] {
  const first = new Map<string, string>();
  for (const { alias } of catalogs) {
    const other = first.get(methodName(alias));
    if (other !== undefined) {
      throw new CachelaneError('E_CATALOG', `${other} and ${alias} would both be the method ${methodName(alias)}`, {
        hint: 'call one of them otherwise: cachelane add NAMESPACE --as ALIAS',
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
  if (catalogDigest(content) !== digest) throw broken(source, `what ${alias} offers is not what was locked`);
  const offered = new Set(content.definitions.map(({ name }) => methodName(name)));
  const staleIn = (key: string): readonly StaleDefinition[] =>
    Object.entries(recordIn(parts[key]) ?? {}).map(([name, why]) => {
      const isGone = key === 'gone';
      if (isDefinitionName(name) && isWhyText(why) && offered.has(methodName(name)) !== isGone) return { name, why };
      throw broken(source, `${alias} cannot have ${JSON.stringify(name.slice(0, 100))} among what is ${key}`);
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
    // It is nothing that somebody is about to publish.
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

/** One method for each, also among what is gone. */
function requireNames(gone: readonly StaleDefinition[], source: string): readonly StaleDefinition[] {
  if (new Set(gone.map(({ name }) => methodName(name))).size === gone.length) return gone;
  throw broken(source, 'two that are gone would be one method');
}

function jsonIn(text: string, source: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (/^(<{7}|={7}|>{7})/m.test(text)) {
      throw new CachelaneError('E_CATALOG', `${source} has the marks of a merge that is not done`, {
        hint: 'take one side of it whole, run cachelane add for what only the other side had, and cachelane generate',
        cause: error,
      });
    }
    throw new CachelaneError('E_CATALOG', `${source} is no JSON`, { hint: lockHint, cause: error });
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

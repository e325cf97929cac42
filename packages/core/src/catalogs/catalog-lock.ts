import { CachelaneError } from '../errors.ts';
import { parseDigest, type Digest } from '../layers/digest.ts';
import { parseNamespace, type Namespace } from '../names/namespace.ts';
import { catalogDigest, catalogText } from './catalog-text.ts';
import type { CatalogContent } from './definition.ts';
import { isFreeMethodName, methodName } from './method-name.ts';
import { readCatalog } from './read-catalog.ts';

/** One catalog as a project's code was written for it. */
export interface LockedCatalog {
  /** What the project calls it, so that code need not name the organisation: `my-org`. */
  readonly alias: string;
  readonly namespace: Namespace;
  readonly version: number;
  readonly digest: Digest;
  readonly content: CatalogContent;
  /** Definitions that an earlier version had, and what was said of them last: whoever still calls one is told. In the order of their names. */
  readonly gone: readonly GoneDefinition[];
}

export interface GoneDefinition {
  readonly name: string;
  /** `removed in version 4: use uv-cache`. */
  readonly why: string;
}

export const lockFileName = 'cachelane.lock';

const format = 'cachelane-lock';
const version = 1;

/** JSON that differs only where the lock does: a line for each definition, for people who merge it. */
export function encodeLock(catalogs: readonly LockedCatalog[]): string {
  const entries = catalogs.toSorted((a, b) => (a.alias < b.alias ? -1 : 1)).map((each) => [each.alias, partsOf(each)]);
  return `${JSON.stringify({ format, version, catalogs: Object.fromEntries(entries) }, null, 2)}\n`;
}

function partsOf({ namespace, version: locked, digest, content, gone }: LockedCatalog): object {
  return {
    namespace,
    version: locked,
    digest,
    content: JSON.parse(catalogText(content)) as object,
    gone: Object.fromEntries(gone.map(({ name, why }) => [name, why])),
  };
}

/** Throws E_CATALOG for what no version of Cachelane wrote, and for what was changed by hand. */
export function parseLock(text: string, source: string): readonly LockedCatalog[] {
  const root = recordIn(jsonIn(text, source));
  if (root?.['format'] !== format) throw broken(source, 'it is no lock file of cachelane');
  if (root['version'] !== version) {
    throw new CachelaneError('E_CATALOG', `${source} was written by a later version of cachelane`, {
      hint: 'use that one here',
    });
  }
  return Object.entries(recordIn(root['catalogs']) ?? {}).map(([alias, value]) => lockedIn(alias, value, source));
}

/** Throws E_CATALOG for an alias that no method can have. */
export function requireAlias(alias: string): string {
  if (/^[A-Za-z][A-Za-z0-9-]{0,63}$/.test(alias) && isFreeMethodName(methodName(alias))) return alias;
  throw new CachelaneError('E_CATALOG', `${JSON.stringify(alias.slice(0, 100))} cannot be what a catalog is called`, {
    hint: 'letters, digits and hyphens behind a letter: my-org',
  });
}

function lockedIn(alias: string, value: unknown, source: string): LockedCatalog {
  const parts = recordIn(value);
  const number = parts?.['version'];
  if (parts === null || typeof number !== 'number' || !Number.isSafeInteger(number) || number < 1)
    throw broken(source, `${alias} has no version`);
  const digest = parseDigest(String(parts['digest']));
  const content = readCatalog(parts['content'], { source: `${source}, ${alias}`, tools: null });
  if (catalogDigest(content) !== digest) throw broken(source, `what ${alias} offers is not what was locked`);
  return {
    alias: requireAlias(alias),
    namespace: parseNamespace(String(parts['namespace']), source),
    version: number,
    digest,
    content,
    gone: Object.entries(recordIn(parts['gone']) ?? {}).map(([name, why]) => ({ name, why: String(why) })),
  };
}

function jsonIn(text: string, source: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CachelaneError('E_CATALOG', `${source} is no JSON`, { hint: 'put it back as it was', cause: error });
  }
}

function broken(source: string, why: string): CachelaneError {
  return new CachelaneError('E_CATALOG', `${source}: ${why}`, {
    hint: 'put it back as it was, or lock the catalog anew with cachelane add',
  });
}

function recordIn(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : null;
}

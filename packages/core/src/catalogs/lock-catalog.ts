import { CachelaneError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { staleText, type LockedCatalog, type StaleDefinition } from './catalog-lock.ts';
import { catalogDigest } from './catalog-text.ts';
import { compareCatalogs, type DefinitionChange } from './compare-catalogs.ts';
import type { Catalog, CatalogContent, VolumeDefinition } from './definition.ts';
import { methodName } from './method-name.ts';

export interface LockRequest {
  readonly alias: string;
  /** The locked catalog; null: none under this alias. */
  readonly before: LockedCatalog | null;
  /** The existing versions between that one and `to`, oldest first. They show when and why definitions were removed. */
  readonly between: readonly Catalog[];
  readonly to: Catalog;
  /** Names of removed or changed definitions that the project accepts. */
  readonly accepted: readonly string[];
}

export interface NextLock {
  readonly locked: LockedCatalog;
  /** Changes since the locked version; all definitions for a new catalog. */
  readonly changes: readonly DefinitionChange[];
}

const nothing: CatalogContent = { docs: '', definitions: [] };

/**
 * Returns the lock entry for a new version. Errors: E_CATALOG for accepting an unchanged definition, and for a
 * catalog with fields that only later versions of Cachelane know.
 */
export function lockCatalog({ alias, before, between, to, accepted }: LockRequest): NextLock {
  const { namespace, version, digest, docs, definitions } = to;
  if (catalogDigest(to) !== digest) {
    throw new CachelaneError(
      'E_CATALOG',
      `version ${version} of the catalog of ${namespace} was published by a later version of cachelane, with content that this version does not know`,
      { hint: 'use a later version of cachelane, or lock an earlier version of the catalog with --version' },
    );
  }
  const changes = compareCatalogs(before?.content ?? nothing, to);
  const stale = before === null ? [] : staleOf({ before, changes, ways: [...between, to] });
  requireStale(accepted, stale);
  const offered = new Set(definitions.map(({ name }) => name));
  const left = stale.filter(({ name }) => !accepted.includes(name));
  const locked = {
    alias,
    namespace,
    version,
    digest,
    content: { docs, definitions },
    gone: left.filter(({ name }) => !offered.has(name)),
    changed: left.filter(({ name }) => offered.has(name)),
  };
  return { locked, changes };
}

interface Way {
  readonly before: LockedCatalog;
  readonly changes: readonly DefinitionChange[];
  /** The versions up to the new one, which is last. */
  readonly ways: readonly Catalog[];
}

/** Returns stale definitions in the order of their names. One for each method name; the later reason wins. */
function staleOf({ before, changes, ways }: Way): readonly StaleDefinition[] {
  const [to] = ways.slice(-1);
  const offered = new Map(to?.definitions.map(({ name }) => [methodName(name), name]));
  const version = to?.version ?? before.version;
  const broken = changes.filter(({ breaks }) => breaks);
  const removed = broken.filter(({ kind }) => kind === 'removed').map(({ name }) => removal(name, before, ways));
  const returned = [...before.gone, ...removed].map((each) => {
    const name = offered.get(methodName(each.name));
    return name === undefined ? each : { name, why: returnText(each, version) };
  });
  const changed = broken
    .filter(({ kind }) => kind !== 'removed')
    .map(({ name, what }) => ({ name, why: changeText(version, what) }));
  const all = [...before.changed.filter(({ name }) => offered.has(methodName(name))), ...returned, ...changed];
  const stale = new Map(all.map((each) => [methodName(each.name), each]));
  return [...stale.values()].map(shortened).toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function shortened({ name, why }: StaleDefinition): StaleDefinition {
  const { catalogWhyLength: most } = limits;
  // Do not cut a character in half.
  return { name, why: why.length <= most ? why : `${why.slice(0, most - 2).toWellFormed()}…` };
}

/** Display texts do not change the volume. */
function changeText(version: number, what: readonly string[]): string {
  const identity = what.filter((clause) => !/^(docs|sharing|deprecated) /.test(clause));
  return `changed to another volume in version ${version}: ${identity.join(', ')}`;
}

/** The lock does not tell whether the definition is the same as before. */
function returnText(gone: StaleDefinition, version: number): string {
  return `offered again in version ${version}, perhaps as another volume, after ${staleText(gone)}`;
}

/** Includes the last deprecation text, which may come from a version that was never locked. */
function removal(name: string, before: LockedCatalog, ways: readonly Catalog[]): StaleDefinition {
  const last = ways.at(-1)?.version ?? 0;
  if (last < before.version) return { name, why: `not offered yet in version ${last}` };
  const first = ways.find(({ definitions }) => find(definitions, name) === undefined)?.version ?? last;
  const known = [before.content, ...ways].flatMap(({ definitions }) => find(definitions, name) ?? []);
  const deprecated = known.findLast((each) => each.deprecated !== null)?.deprecated ?? null;
  return { name, why: `removed in version ${first}${deprecated === null ? '' : `: ${deprecated}`}` };
}

function find(definitions: readonly VolumeDefinition[], name: string): VolumeDefinition | undefined {
  return definitions.find((each) => each.name === name);
}

function requireStale(accepted: readonly string[], stale: readonly StaleDefinition[]): void {
  const unknown = accepted.find((name) => stale.every((each) => each.name !== name));
  if (unknown === undefined) return;
  throw new CachelaneError('E_CATALOG', `${JSON.stringify(unknown)} was neither removed nor changed`, {
    hint: stale.length === 0 ? 'no definition was' : `removed or changed: ${stale.map(({ name }) => name).join(', ')}`,
  });
}

import { CachelaneError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { staleText, type LockedCatalog, type StaleDefinition } from './catalog-lock.ts';
import { catalogDigest } from './catalog-text.ts';
import { compareCatalogs, type DefinitionChange } from './compare-catalogs.ts';
import type { Catalog, CatalogContent, VolumeDefinition } from './definition.ts';
import { methodName } from './method-name.ts';

export interface LockRequest {
  readonly alias: string;
  /** What the project has locked; null: nothing under this alias. */
  readonly before: LockedCatalog | null;
  /** Versions after that one and before `to`, oldest first, as far as they are still there: they say when something went, and why. */
  readonly between: readonly Catalog[];
  readonly to: Catalog;
  /** Names of definitions that are known to be gone, or another volume now: whoever asks for one is told no more. */
  readonly accepted: readonly string[];
}

export interface NextLock {
  readonly locked: LockedCatalog;
  /** Since what was locked; all for a catalog that is new to the project. */
  readonly changes: readonly DefinitionChange[];
}

const nothing: CatalogContent = { docs: '', definitions: [] };

/** What a project has locked when it goes to another version. Errors: E_CATALOG for accepting what nobody needs to, and for a catalog that says more than this version of Cachelane can lock. */
export function lockCatalog({ alias, before, between, to, accepted }: LockRequest): NextLock {
  const { namespace, version, digest, docs, definitions } = to;
  if (catalogDigest(to) !== digest) {
    throw new CachelaneError(
      'E_CATALOG',
      `version ${version} of the catalog of ${namespace} was published by a later version of cachelane, and says what this one does not know`,
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
  /** Versions on the way to the new one, and that itself at the end. */
  readonly ways: readonly Catalog[];
}

/** In the order of the names; one for each method, and the later word counts. */
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
  // Not in the middle of a character.
  return { name, why: why.length <= most ? why : `${why.slice(0, most - 2).toWellFormed()}…` };
}

/** Texts for people make no other volume. */
function changeText(version: number, what: readonly string[]): string {
  const identity = what.filter((clause) => !/^(docs|sharing|deprecated) /.test(clause));
  return `made another volume in version ${version}: ${identity.join(', ')}`;
}

/** Whether it is what it was before it went, the lock does not say. */
function returnText(gone: StaleDefinition, version: number): string {
  return `offered again in version ${version}, perhaps as another volume, after ${staleText(gone)}`;
}

/** With what was said last of why: a version that was never locked may have deprecated it. */
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
  throw new CachelaneError('E_CATALOG', `${JSON.stringify(unknown)} is neither gone nor another volume`, {
    hint: stale.length === 0 ? 'nothing is' : `these are: ${stale.map(({ name }) => name).join(', ')}`,
  });
}

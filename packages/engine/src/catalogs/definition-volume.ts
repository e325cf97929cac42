import {
  CachelaneError,
  type Metadata,
  type VolumeDefinition,
  canonicalCompat,
  didYouMean,
  staleText,
} from '@cachelane/core';
import type { DefinedVolume } from '../model/defined-volume.ts';
import { type LockedQuestion, catalogOrLock } from './catalog-or-lock.ts';
import { type OfferedCatalog, offeredCatalog } from './find-catalog.ts';

export interface DefinitionQuestion extends LockedQuestion {
  readonly name: string;
}

/** Returns the volume that a catalog's definition means. Errors: those of {@link catalogOrLock} and {@link requireDefinition}. */
export async function definitionVolume(
  metadata: Metadata,
  { name, ...question }: DefinitionQuestion,
  signal: AbortSignal,
): Promise<DefinedVolume> {
  const catalog = await catalogOrLock(metadata, question, signal);
  return definedVolume(catalog, await requireDefinition(metadata, { catalog, name }, signal));
}

export function definedVolume(catalog: OfferedCatalog, definition: VolumeDefinition): DefinedVolume {
  const { namespaceId, namespace, version, note, byLock } = catalog;
  const { name, tier, key, compat, tool, sharing } = definition;
  return {
    namespace: tier === 'catalog' ? namespace : null,
    key,
    compat: canonicalCompat(compat),
    tool,
    sharing,
    deprecated: deprecationText(catalog, definition),
    ...(note === undefined ? {} : { note }),
    ...(byLock === undefined ? {} : { byLock }),
    definition: { namespaceId, namespace, name, version },
  };
}

/** Also reports deprecations in versions later than the locked one: the project would not hear of them otherwise. */
function deprecationText(
  { namespace, version, later }: OfferedCatalog,
  { name, deprecated }: VolumeDefinition,
): string | null {
  const what = `${name} of ${namespace}`;
  if (deprecated !== null) return `${what} is deprecated: ${deprecated}`;
  if (later === undefined) return null;
  const next = later.definitions.find((each) => each.name === name);
  if (next === undefined)
    return `${what} was removed in version ${later.version}; cachelane.lock has version ${version}`;
  return next.deprecated === null ? null : `${what} is deprecated in version ${later.version}: ${next.deprecated}`;
}

export interface NamedDefinition {
  readonly catalog: OfferedCatalog;
  readonly name: string;
}

/**
 * Errors: E_CATALOG for a definition that was removed, or now means another volume, by the project's lock. Also for an unknown definition,
 * with similar names or the version that removed it.
 */
export async function requireDefinition(
  metadata: Metadata,
  { catalog, name }: NamedDefinition,
  signal: AbortSignal,
): Promise<VolumeDefinition> {
  const { namespace, version, definitions, later, stale } = catalog;
  const refused = stale?.find((each) => each.name === name);
  if (refused !== undefined) {
    throw new CachelaneError('E_CATALOG', staleText(refused), {
      hint: `follow the reason, then run: cachelane add ${namespace} --accept ${name}`,
    });
  }
  const found = definitions.find((each) => each.name === name);
  if (found !== undefined) return found;
  const gone = await whenItWent(metadata, { catalog, name }, signal);
  const what = `version ${version} of the catalog of ${namespace} has no ${JSON.stringify(name.slice(0, 100))}`;
  if (gone !== null) {
    const why = gone.deprecated === null ? '' : `; it was deprecated: ${gone.deprecated}`;
    throw new CachelaneError('E_CATALOG', `${what}: version ${gone.version} removed it${why}`, {
      hint: `run cachelane catalog diff ${namespace}@${gone.lastVersion} ${namespace}@${gone.version} for all changes of that version`,
    });
  }
  if (later?.definitions.some((each) => each.name === name) === true) {
    const why = `version ${later.version} has it, and cachelane.lock has version ${version}`;
    throw new CachelaneError('E_CATALOG', `${what}: ${why}`, {
      hint: `run cachelane add ${namespace} to lock the latest`,
    });
  }
  const names = definitions.map((each) => each.name);
  throw new CachelaneError('E_CATALOG', `${what}${didYouMean(name, names)}`, { hint: `it has: ${listText(names)}` });
}

const namesShown = 10;

function listText(names: readonly string[]): string {
  const more = names.length - namesShown;
  return names.length === 0
    ? 'nothing'
    : `${names.slice(0, namesShown).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

interface GoneSince {
  /** The first available version without it. */
  readonly version: number;
  /** The last version with it. */
  readonly lastVersion: number;
  readonly deprecated: string | null;
}

/** Number of earlier versions that are read for an error. */
const versionsRead = 100;

async function whenItWent(
  metadata: Metadata,
  { catalog, name }: NamedDefinition,
  signal: AbortSignal,
): Promise<GoneSince | null> {
  const versions = await metadata.catalogVersions(catalog.namespaceId, signal);
  const earlier = versions.map(({ version }) => version).filter((version) => version < catalog.version);
  let next = catalog.version;
  for (const version of earlier.slice(0, versionsRead)) {
    const record = await metadata.catalogVersion(catalog.namespaceId, version, signal);
    if (record === undefined) continue;
    const { id, paths } = { id: catalog.namespaceId, paths: [catalog.namespace] };
    const { definitions } = offeredCatalog({ id, paths, createdAtMs: 0 }, record);
    const last = definitions.find((each) => each.name === name);
    if (last !== undefined) return { version: next, lastVersion: version, deprecated: last.deprecated };
    next = version;
  }
  return null;
}

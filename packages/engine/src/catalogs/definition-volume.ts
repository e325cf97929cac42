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

/** The volume that a name means in a catalog. Errors: those of {@link catalogOrLock} and {@link requireDefinition}. */
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

/** Also what a later version than the one that is locked says: whoever locked it would not hear of it. */
function deprecationText(
  { namespace, version, later }: OfferedCatalog,
  { name, deprecated }: VolumeDefinition,
): string | null {
  const what = `${name} of ${namespace}`;
  if (deprecated !== null) return `${what} is deprecated: ${deprecated}`;
  if (later === undefined) return null;
  const next = later.definitions.find((each) => each.name === name);
  if (next === undefined)
    return `${what} is not in version ${later.version} any more; cachelane.lock has version ${version}`;
  return next.deprecated === null ? null : `${what} is deprecated in version ${later.version}: ${next.deprecated}`;
}

export interface NamedDefinition {
  readonly catalog: OfferedCatalog;
  readonly name: string;
}

/** Errors: E_CATALOG for what the project's lock says is gone, or another volume; and for what is not there, with what is called alike, or with the version in which it went and what was said of it last. */
export async function requireDefinition(
  metadata: Metadata,
  { catalog, name }: NamedDefinition,
  signal: AbortSignal,
): Promise<VolumeDefinition> {
  const { namespace, version, definitions, later, stale } = catalog;
  const refused = stale?.find((each) => each.name === name);
  if (refused !== undefined) {
    throw new CachelaneError('E_CATALOG', staleText(refused), {
      hint: `use what the reason says; once that is right: cachelane add ${namespace} --accept ${name}`,
    });
  }
  const found = definitions.find((each) => each.name === name);
  if (found !== undefined) return found;
  const gone = await whenItWent(metadata, { catalog, name }, signal);
  const what = `version ${version} of the catalog of ${namespace} has no ${JSON.stringify(name.slice(0, 100))}`;
  if (gone !== null) {
    const why = gone.deprecated === null ? '' : `; it was deprecated: ${gone.deprecated}`;
    throw new CachelaneError('E_CATALOG', `${what}: it went in version ${gone.version}${why}`, {
      hint: `cachelane catalog diff ${namespace}@${gone.lastVersion} ${namespace}@${gone.version} has what else changed then`,
    });
  }
  if (later?.definitions.some((each) => each.name === name) === true) {
    const why = `version ${later.version} does, and cachelane.lock has version ${version}`;
    throw new CachelaneError('E_CATALOG', `${what}: ${why}`, { hint: `cachelane add ${namespace} locks the latest` });
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
  /** The first that had it no more, of those that are there. */
  readonly version: number;
  /** The last that had it. */
  readonly lastVersion: number;
  readonly deprecated: string | null;
}

/** How many earlier versions are read for an error. */
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

import {
  catalogTypeName,
  methodName,
  staleText,
  type LockedCatalog,
  type StaleDefinition,
  type VolumeDefinition,
} from '@cachelane/core';

/**
 * The arguments of `Catalog.cacheVolume`, without their descriptions: repeated for each definition, those would be most
 * of the schema.
 */
const volumeArguments =
  '(namespace: String, scope: [String!], compat: [CompatFieldInput!], sharing: CacheSharingMode, source: SourceInput, owner: String)';

/**
 * Returns schema text with a field for each locked catalog that offers something, and a method for each definition.
 * Removed or changed definitions are only named in the description.
 */
export function catalogTypes(catalogs: readonly LockedCatalog[]): string {
  return catalogs.flatMap((catalog) => [typeOf(catalog), fieldOf(catalog)]).join('\n');
}

/** Returns the definitions that can be requested. */
export function volumesOf({ content, changed }: LockedCatalog): readonly VolumeDefinition[] {
  return content.definitions.filter(({ name }) => changed.every((each) => each.name !== name));
}

function typeOf(catalog: LockedCatalog): string {
  const { alias, namespace, version, content, gone, changed } = catalog;
  const about = [
    `The volumes that ${namespace} offers, in version ${version}. For the arguments see \`cacheVolume\` of \`Catalog\`.`,
    content.docs,
    ...[...gone, ...changed].map(staleLine),
  ];
  return `${described(about)}\ntype ${catalogTypeName(alias)} {\n${volumesOf(catalog).map(volumeField).join('')}}`;
}

function staleLine(stale: StaleDefinition): string {
  return `Not available: ${staleText(stale)}.`;
}

function volumeField({ name, docs, deprecated }: VolumeDefinition): string {
  const directive = deprecated === null ? '' : ` @deprecated(reason: ${JSON.stringify(deprecated)})`;
  const about = described([docs === '' ? `Definition \`${name}\` of the catalog.` : docs]);
  return `${about}\n${methodName(name)}${volumeArguments}: CacheVolume!${directive}\n`;
}

function fieldOf({ alias, namespace }: LockedCatalog): string {
  const about = described([`The catalog \`${alias}\` of ${namespace} in cachelane.lock.`]);
  return `extend type Query {\n${about}\n${methodName(alias)}: ${catalogTypeName(alias)}!\n}`;
}

/** GraphQL strings have the same escapes as JSON. */
function described(paragraphs: readonly string[]): string {
  return JSON.stringify(paragraphs.filter((text) => text !== '').join('\n\n'));
}

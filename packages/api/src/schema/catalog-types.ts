import {
  catalogTypeName,
  methodName,
  staleText,
  type LockedCatalog,
  type StaleDefinition,
  type VolumeDefinition,
} from '@cachelane/core';

/** As those of `Catalog.cacheVolume`, which says what they are; once for each definition that would be most of the schema. */
const volumeArguments =
  '(namespace: String, scope: [String!], compat: [CompatFieldInput!], sharing: CacheSharingMode, source: SourceInput, owner: String)';

/** What a session of a project that has locked catalogs can ask beside what all can: a field for each catalog, which has to offer something, with one for each definition. What is gone, or another volume than before, has none, and the type says why. */
export function catalogTypes(catalogs: readonly LockedCatalog[]): string {
  return catalogs.flatMap((catalog) => [typeOf(catalog), fieldOf(catalog)]).join('\n');
}

/** What may be asked for. */
export function volumesOf({ content, changed }: LockedCatalog): readonly VolumeDefinition[] {
  return content.definitions.filter(({ name }) => changed.every((each) => each.name !== name));
}

function typeOf(catalog: LockedCatalog): string {
  const { alias, namespace, version, content, gone, changed } = catalog;
  const about = [
    `What ${namespace} offers, in version ${version}. Arguments are those of \`cacheVolume\` of \`Catalog\`.`,
    content.docs,
    ...[...gone, ...changed].map(staleLine),
  ];
  return `${described(about)}\ntype ${catalogTypeName(alias)} {\n${volumesOf(catalog).map(volumeField).join('')}}`;
}

function staleLine(stale: StaleDefinition): string {
  return `Not to be had: ${staleText(stale)}.`;
}

function volumeField({ name, docs, deprecated }: VolumeDefinition): string {
  const directive = deprecated === null ? '' : ` @deprecated(reason: ${JSON.stringify(deprecated)})`;
  const about = described([docs === '' ? `\`${name}\` of the catalog.` : docs]);
  return `${about}\n${methodName(name)}${volumeArguments}: CacheVolume!${directive}\n`;
}

function fieldOf({ alias, namespace }: LockedCatalog): string {
  const about = described([`\`${alias}\` in cachelane.lock: ${namespace}.`]);
  return `extend type Query {\n${about}\n${methodName(alias)}: ${catalogTypeName(alias)}!\n}`;
}

/** GraphQL has the escapes of JSON. */
function described(paragraphs: readonly string[]): string {
  return JSON.stringify(paragraphs.filter((text) => text !== '').join('\n\n'));
}

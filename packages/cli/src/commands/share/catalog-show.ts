import { lockedAs, lockFileName, type ListedCatalog, type LockedCatalog } from '@cachelane/core';
import type { OfferedCatalog } from '@cachelane/engine';
import { catalogArgument } from '../../catalogs/catalog-argument.ts';
import { catalogJson, definitionTable } from '../../catalogs/catalog-words.ts';
import { lockedHere, offeredHere } from '../../catalogs/offered-here.ts';
import { defineCommand, jsonOption, projectOptions, type Command } from '../../host/command.ts';
import { formatFields, formatTime, printable } from '../../base/format.ts';
import { isoTime, printJson } from '../../host/print.ts';
import { readStore } from '../../home/store.ts';

export const catalogShow: Command = defineCommand({
  name: 'catalog show',
  summary: 'show the definitions of a catalog',
  examples: ['cachelane catalog show github.com/acme', 'cachelane catalog show github.com/acme@3'],
  options: { directory: projectOptions.directory, ...jsonOption },
  details: ['A catalog that this store does not have is shown from cachelane.lock of the project.'],
  operands: [
    {
      name: 'NAMESPACE[@VERSION]',
      help: 'a catalog, by namespace or alias; default: the latest version',
    },
  ],
  async run({ options, operands }, host) {
    const words = { text: operands['NAMESPACE[@VERSION]'], directory: options.directory };
    const asked = await catalogArgument(host, words);
    return await readStore(host, async ({ metadata, signal }) => {
      const catalog = await offeredHere({ host, metadata }, asked, signal);
      const versions = await metadata.catalogVersions(catalog.namespaceId, signal);
      const all = await lockedHere(host, asked.directory);
      const locked = lockedAs(all, { names: [catalog.namespace, asked.namespace], alias: asked.alias }) ?? null;
      const { alias, version } = locked ?? {};
      const ofLock = locked === null ? null : { alias, version };
      if (options.json)
        printJson(host, { ...catalogJson(catalog), locked: ofLock, versions: versions.map(versionJson) });
      else host.stdout.write(text(catalog, versions, locked));
      return 0;
    });
  },
});

function versionJson({ version, digest, publishedAtMs, by }: ListedCatalog): object {
  return { version, digest, publishedAt: isoTime(publishedAtMs), publishedBy: by };
}

function text(catalog: OfferedCatalog, versions: readonly ListedCatalog[], locked: LockedCatalog | null): string {
  const { namespace, version, publishedAtMs, by, byLock, digest, docs, definitions } = catalog;
  const latest = versions[0]?.version ?? version;
  const fields = formatFields([
    ['catalog', namespace],
    ['version', version === latest ? String(version) : `${version}, and the latest is ${latest}`],
    byLock === undefined
      ? ['published', `${formatTime(publishedAtMs)} by ${printable(by)}`]
      : ['taken from', `${lockFileName}: this store does not have it`],
    ['digest', digest],
    ['versions', versions.length === 0 ? 'none here' : versions.map((each) => String(each.version)).join(', ')],
    ...(locked === null ? [] : [['locked', `version ${locked.version}, as ${locked.alias}`] as const]),
  ]);
  const about = docs === '' ? '' : `\n${docs.split('\n').map(printable).join('\n')}\n`;
  return `${fields}${about}\n${definitions.length === 0 ? 'the catalog is empty\n' : definitionTable(definitions)}`;
}

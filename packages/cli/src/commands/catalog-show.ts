import type { ListedCatalog } from '@cachelane/core';
import { requireCatalog, type OfferedCatalog } from '@cachelane/engine';
import { catalogArgument } from '../catalogs/catalog-argument.ts';
import { catalogJson, definitionTable } from '../catalogs/catalog-words.ts';
import { defineCommand, jsonOption, projectOptions, type Command } from '../command.ts';
import { formatFields, formatTime, printable } from '../format.ts';
import { isoTime, printJson } from '../print.ts';
import { readStore } from '../store.ts';

export const catalogShow: Command = defineCommand({
  name: 'catalog show',
  summary: 'show what a namespace offers: each definition, and what is deprecated',
  options: { directory: projectOptions.directory, ...jsonOption },
  operands: [{ name: 'NAMESPACE[@VERSION]', help: 'or what catalogs: of a file calls it; the latest when left out' }],
  async run({ options, operands }, host) {
    const words = { text: operands['NAMESPACE[@VERSION]'], directory: options.directory };
    const { namespace, version } = await catalogArgument(host, words);
    return await readStore(host, async ({ metadata, signal }) => {
      const catalog = await requireCatalog(metadata, { namespace, version, digest: null }, signal);
      const versions = await metadata.catalogVersions(catalog.namespaceId, signal);
      if (options.json) printJson(host, { ...catalogJson(catalog), versions: versions.map(versionJson) });
      else host.stdout.write(text(catalog, versions));
      return 0;
    });
  },
});

function versionJson({ version, digest, publishedAtMs, by }: ListedCatalog): object {
  return { version, digest, publishedAt: isoTime(publishedAtMs), publishedBy: by };
}

function text(catalog: OfferedCatalog, versions: readonly ListedCatalog[]): string {
  const { namespace, version, publishedAtMs, by, digest, docs, definitions } = catalog;
  const latest = versions[0]?.version ?? version;
  const fields = formatFields([
    ['catalog', namespace],
    ['version', version === latest ? String(version) : `${version}, and the latest is ${latest}`],
    ['published', `${formatTime(publishedAtMs)} by ${printable(by)}`],
    ['digest', digest],
    ['versions', versions.map((each) => String(each.version)).join(', ')],
  ]);
  const about = docs === '' ? '' : `\n${docs.split('\n').map(printable).join('\n')}\n`;
  return `${fields}${about}\n${definitions.length === 0 ? 'it offers nothing\n' : definitionTable(definitions)}`;
}

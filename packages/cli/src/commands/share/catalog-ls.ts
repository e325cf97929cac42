import { listCatalogs, type OfferedCatalog } from '@cachelane/engine';
import { namespaceNamed } from '../../catalogs/catalog-argument.ts';
import { firstLine } from '../../catalogs/catalog-words.ts';
import { defineCommand, jsonOption, projectOptions, type Command } from '../../host/command.ts';
import { formatTable, formatTime } from '../../base/format.ts';
import { isoTime, printJson } from '../../host/print.ts';
import { readStore } from '../../home/store.ts';

export const catalogLs: Command = defineCommand({
  name: 'catalog ls',
  summary: 'list catalogs',
  examples: ['cachelane catalog ls', 'cachelane catalog ls --under github.com/acme'],
  options: {
    directory: projectOptions.directory,
    under: { value: 'NAMESPACE', help: 'only the catalogs of this namespace and those below it' },
    ...jsonOption,
  },
  operands: [],
  async run({ options }, host) {
    const { under: text, directory } = options;
    const under = text === undefined ? null : await namespaceNamed(host, { text, directory });
    return await readStore(host, async ({ metadata, signal }) => {
      const all = await listCatalogs(metadata, { under }, signal);
      if (options.json) printJson(host, all.map(toJson));
      else host.stdout.write(all.length === 0 ? 'There are no catalogs yet.\n' : table(all));
      return 0;
    });
  },
});

function deprecatedOf({ definitions }: OfferedCatalog): readonly string[] {
  return definitions.filter(({ deprecated }) => deprecated !== null).map(({ name }) => name);
}

function toJson(catalog: OfferedCatalog): object {
  const { namespace, version, digest, publishedAtMs, by, docs, definitions } = catalog;
  const names = definitions.map(({ name }) => name);
  const published = { publishedAt: isoTime(publishedAtMs), publishedBy: by };
  return { namespace, version, digest, ...published, docs, definitions: names, deprecated: deprecatedOf(catalog) };
}

const right = { align: 'right' } as const;

function table(all: readonly OfferedCatalog[]): string {
  return formatTable(
    [
      { title: 'NAMESPACE' },
      { title: 'VERSION', ...right },
      { title: 'VOLUMES', ...right },
      { title: 'DEPRECATED', ...right },
      { title: 'PUBLISHED' },
      { title: 'FOR' },
    ],
    all.map((each) => [
      each.namespace,
      String(each.version),
      String(each.definitions.length),
      String(deprecatedOf(each).length),
      formatTime(each.publishedAtMs),
      firstLine(each.docs),
    ]),
  );
}

import { compareCatalogs, type CatalogContent, type DefinitionChange, type Metadata } from '@cachelane/core';
import { readOffer, requireCatalog } from '@cachelane/engine';
import { catalogArgument, type CatalogArgument } from '../catalogs/catalog-argument.ts';
import { isCatalogFile, readCatalogFile } from '../catalogs/catalog-file.ts';
import { changeLines } from '../catalogs/catalog-words.ts';
import { defineCommand, jsonOption, projectOptions, type Command } from '../command.ts';
import type { Host } from '../host.ts';
import { printJson } from '../print.ts';
import { readStore } from '../store.ts';
import { whereToRun } from '../working-directory.ts';

export const catalogDiff: Command = defineCommand({
  name: 'catalog diff',
  summary: 'say what differs between two versions of a catalog, and what of it breaks code',
  details: [
    'With one version, the one that it is compared with is the latest; with none, the latest is compared with the one before. A file is what catalog publish would publish; code in it is run.',
  ],
  options: { directory: projectOptions.directory, ...jsonOption },
  operands: [
    { name: 'NAMESPACE[@VERSION]', help: 'the one that is compared with' },
    { name: 'NAMESPACE[@VERSION]|FILE', optional: true, help: 'the one that is looked at' },
  ],
  async run({ options, operands }, host) {
    const { directory } = options;
    const first = await catalogArgument(host, { text: operands['NAMESPACE[@VERSION]'], directory });
    const second = await secondOf(host, { text: operands['NAMESPACE[@VERSION]|FILE'], directory });
    return await readStore(host, async ({ metadata, signal }) => {
      const { before, after } = await bothOf(metadata, { first, second }, signal);
      const changes = compareCatalogs(before.content, after.content);
      if (options.json) printJson(host, { before: before.name, after: after.name, changes });
      else host.stdout.write(text(before, after, changes));
      return 0;
    });
  },
});

interface Side {
  /** For people. */
  readonly name: string;
  readonly content: CatalogContent;
}

interface Words {
  readonly text: string | undefined;
  readonly directory: string | undefined;
}

/** What a file says, or the catalog that is meant; null: nothing was said. */
async function secondOf(host: Host, { text, directory }: Words): Promise<Side | CatalogArgument | null> {
  if (text === undefined) return null;
  const { dir } = whereToRun(host, directory);
  if (!isCatalogFile(dir, text)) return await catalogArgument(host, { text, directory });
  const file = await readCatalogFile({ directory: dir, name: text, env: host.env });
  return { name: file.source, content: readOffer(await host.pieces.loadTools(), file) };
}

interface Sides {
  readonly first: CatalogArgument;
  readonly second: Side | CatalogArgument | null;
}

const nothing: Side = { name: 'nothing', content: { docs: '', definitions: [] } };

async function bothOf(
  metadata: Metadata,
  { first, second }: Sides,
  signal: AbortSignal,
): Promise<{ readonly before: Side; readonly after: Side }> {
  const sideOf = async ({ namespace, version }: CatalogArgument): Promise<Side & { readonly version: number }> => {
    const catalog = await requireCatalog(metadata, { namespace, version, digest: null }, signal);
    return { name: `${catalog.namespace}@${catalog.version}`, content: catalog, version: catalog.version };
  };
  const named = await sideOf(first);
  if (second !== null) return { before: named, after: 'content' in second ? second : await sideOf(second) };
  if (first.version !== null) return { before: named, after: await sideOf({ ...first, version: null }) };
  const { id } = (await metadata.findNamespace(first.namespace, signal)) ?? {};
  const versions = id === undefined ? [] : await metadata.catalogVersions(id, signal);
  const earlier = versions.find(({ version }) => version < named.version)?.version ?? null;
  return { before: earlier === null ? nothing : await sideOf({ ...first, version: earlier }), after: named };
}

function text(before: Side, after: Side, changes: readonly DefinitionChange[]): string {
  const broken = changes.filter(({ breaks }) => breaks).length;
  const sum = changes.length === 0 ? 'nothing differs' : `${changes.length} differ, ${broken} of them break code`;
  return `${before.name} -> ${after.name}: ${sum}\n${changeLines(changes)}`;
}

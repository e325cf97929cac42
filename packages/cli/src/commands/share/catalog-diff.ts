import {
  compareCatalogs,
  lockFileName,
  type CatalogContent,
  type DefinitionChange,
  type Metadata,
} from '@cachelane/core';
import { readOffer } from '@cachelane/engine';
import { catalogArgument, type CatalogArgument } from '../../catalogs/catalog-argument.ts';
import { isCatalogFile, readCatalogFile } from '../../catalogs/catalog-file.ts';
import { catalogOfStore } from '../../catalogs/catalog-of-store.ts';
import { changeLines } from '../../catalogs/catalog-words.ts';
import { offeredHere } from '../../catalogs/offered-here.ts';
import { defineCommand, jsonOption, projectOptions, type Command } from '../../host/command.ts';
import type { Host } from '../../host/host.ts';
import { printJson } from '../../host/print.ts';
import { readStore } from '../../home/store.ts';
import { whereToRun } from '../../host/working-directory.ts';

export const catalogDiff: Command = defineCommand({
  name: 'catalog diff',
  summary: 'compare two versions of a catalog',
  examples: ['cachelane catalog diff github.com/acme', 'cachelane catalog diff github.com/acme@2 github.com/acme@3'],
  details: [
    'With one version, compares it with the latest; with none, compares the latest with the one before. A file stands for what catalog publish would publish; code in it is run. A version that this store does not have is read from cachelane.lock of the project, if it is locked.',
  ],
  options: { directory: projectOptions.directory, ...jsonOption },
  operands: [
    {
      name: 'NAMESPACE[@VERSION]',
      help: 'the version to compare with, by namespace or alias',
    },
    { name: 'NAMESPACE[@VERSION]|FILE', optional: true, help: 'the version to compare' },
  ],
  async run({ options, operands }, host) {
    const { directory } = options;
    const first = await catalogArgument(host, { text: operands['NAMESPACE[@VERSION]'], directory });
    const second = await secondOf(host, { text: operands['NAMESPACE[@VERSION]|FILE'], directory });
    return await readStore(host, async ({ metadata, signal }) => {
      const { before, after } = await bothOf({ host, metadata }, { first, second }, signal);
      const changes = compareCatalogs(before.content, after.content);
      if (options.json) printJson(host, { before: before.name, after: after.name, changes });
      else host.stdout.write(text(before, after, changes));
      return 0;
    });
  },
});

interface Side {
  /** For messages. */
  readonly name: string;
  readonly content: CatalogContent;
}

interface Words {
  readonly text: string | undefined;
  readonly directory: string | undefined;
}

/** Returns the file or catalog that the argument names; null without one. */
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

interface Surroundings {
  readonly host: Host;
  readonly metadata: Metadata;
}

/** Errors: those of {@link offeredHere}; E_NOT_FOUND if the store lacks the latest version. */
async function bothOf(
  { host, metadata }: Surroundings,
  { first, second }: Sides,
  signal: AbortSignal,
): Promise<{ readonly before: Side; readonly after: Side }> {
  const sideOf = async (argument: CatalogArgument): Promise<Side & { readonly version: number }> => {
    const { namespace, version } = argument;
    const catalog =
      version === null && second === null
        ? await catalogOfStore(metadata, { namespace, version, digest: null }, signal)
        : await offeredHere({ host, metadata }, argument, signal);
    const where = catalog.byLock === undefined ? '' : ` of ${lockFileName}`;
    return { name: `${catalog.namespace}@${catalog.version}${where}`, content: catalog, version: catalog.version };
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
  const sum = changes.length === 0 ? 'nothing differs' : `${changes.length} differ, ${broken} break code`;
  return `${before.name} -> ${after.name}: ${sum}\n${changeLines(changes)}`;
}

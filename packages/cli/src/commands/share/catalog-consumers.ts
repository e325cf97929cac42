import { CachelaneError, isCachelaneError, type Metadata, type Namespace, type NamespaceId } from '@cachelane/core';
import { catalogConsumers, type CatalogConsumer } from '@cachelane/engine';
import { namespaceNamed, type CatalogWords } from '../../catalogs/catalog-argument.ts';
import { defineCommand, jsonOption, projectOptions, type Command } from '../../host/command.ts';
import { formatBytes, formatTable, formatTime } from '../../base/format.ts';
import type { Host } from '../../host/host.ts';
import { isoTime, printJson } from '../../host/print.ts';
import { readStore } from '../../home/store.ts';

export const catalogConsumersCommand: Command = defineCommand({
  name: 'catalog consumers',
  summary: 'list the projects that use a catalog',
  examples: ['cachelane catalog consumers github.com/acme'],
  details: [
    'Lists projects of this store that used a volume by its catalog definition within 90 days: in a run or fork, through a provider catalog: or a program. Projects that use a volume by its own name (-v npm, or a lockfile) do not count.',
  ],
  options: { directory: projectOptions.directory, ...jsonOption },
  operands: [
    {
      name: 'NAMESPACE[/NAME]',
      help: 'a catalog, or one of its definitions; NAMESPACE can be an alias of a file or of cachelane.lock',
    },
  ],
  async run({ options, operands }, host) {
    const { directory } = options;
    return await readStore(host, async ({ metadata, signal }) => {
      const question = { text: operands['NAMESPACE[/NAME]'], directory };
      const { latest, ...wanted } = await asked({ host, metadata }, question, signal);
      const all = await catalogConsumers(metadata, wanted, signal);
      if (options.json) printJson(host, all.map(toJson));
      else host.stdout.write(all.length === 0 ? 'no project has used it yet\n' : table(all, latest));
      return 0;
    });
  },
});

interface Surroundings {
  readonly host: Host;
  readonly metadata: Metadata;
}

interface Publisher {
  readonly namespaceId: NamespaceId;
  /** Null if all versions were removed. */
  readonly latest: number | null;
}

interface Asked extends Publisher {
  /** Null for all definitions. */
  readonly definition: string | null;
}

/** Parses a catalog, or a catalog with a definition as the last segment, which may have been removed. Errors: E_NOT_FOUND. */
async function asked(
  { host, metadata }: Surroundings,
  { text, directory }: { readonly text: string; readonly directory: string | undefined },
  signal: AbortSignal,
): Promise<Asked> {
  const find = async (name: string): Promise<Publisher | null> => {
    const namespace = await namespaceIn(host, { text: name, directory });
    const record = namespace === null ? undefined : await metadata.findNamespace(namespace, signal);
    if (record === undefined) return null;
    const { id: namespaceId } = record;
    const latest = (await metadata.catalogVersion(namespaceId, null, signal))?.version ?? null;
    const isKnown = latest !== null || (await metadata.catalogUses(namespaceId, null, signal)).length > 0;
    return isKnown ? { namespaceId, latest } : null;
  };
  const whole = await find(text);
  if (whole !== null) return { ...whole, definition: null };
  const slash = text.lastIndexOf('/');
  const before = text.slice(0, Math.max(slash, 0));
  const outer = slash < 0 ? null : await find(before);
  if (outer !== null) return { ...outer, definition: text.slice(slash + 1) };
  const named = await namespaceIn(host, { text: before === '' || before.includes('/') ? text : before, directory });
  const meant = named === null || named === before ? text : named;
  throw new CachelaneError('E_NOT_FOUND', `there is no catalog of ${meant}`, {
    hint: 'consumers are known where the catalog is published: cachelane catalog ls lists the catalogs of this store',
  });
}

/** Null if the text is no namespace. */
async function namespaceIn(host: Host, words: CatalogWords): Promise<Namespace | null> {
  try {
    return await namespaceNamed(host, words);
  } catch (error) {
    if (isCachelaneError(error, 'E_NAMESPACE')) return null;
    throw error;
  }
}

function toJson({ definition, record, version, usedAtMs, volume, sizeBytes }: CatalogConsumer): object {
  return {
    definition,
    namespace: record.paths[0],
    version,
    usedAt: isoTime(usedAtMs),
    volume: volume === null ? null : { name: volume.name, compat: volume.compat, tool: volume.tool },
    sizeBytes,
  };
}

const right = { align: 'right' } as const;

function table(all: readonly CatalogConsumer[], latest: number | null): string {
  return formatTable(
    [
      { title: 'DEFINITION' },
      { title: 'CONSUMER' },
      { title: 'VERSION', ...right },
      { title: 'USED' },
      { title: 'VOLUME' },
      { title: 'SIZE', ...right },
    ],
    all.map(({ definition, record, version, usedAtMs, volume, sizeBytes }) => [
      definition,
      record.paths[0] ?? '',
      latest === null || version === latest ? String(version) : `${version} of ${latest}`,
      formatTime(usedAtMs),
      volume?.name ?? 'gone',
      formatBytes(sizeBytes),
    ]),
  );
}

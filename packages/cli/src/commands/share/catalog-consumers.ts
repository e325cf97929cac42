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
    'As far as this store knows: projects in which a run or fork began, within 90 days, with a volume that it had asked for by its definition: by a provider catalog:, or in a program by the catalog. Whoever asks for the same volume by its own name (-v npm, or because of a lockfile) is none, whatever a catalog offers under that name.',
  ],
  options: { directory: projectOptions.directory, ...jsonOption },
  operands: [
    {
      name: 'NAMESPACE[/NAME]',
      help: 'a catalog, or one of its definitions; NAMESPACE may be what catalogs: of a file, or cachelane.lock, calls it',
    },
  ],
  async run({ options, operands }, host) {
    const { directory } = options;
    return await readStore(host, async ({ metadata, signal }) => {
      const question = { text: operands['NAMESPACE[/NAME]'], directory };
      const { latest, ...wanted } = await asked({ host, metadata }, question, signal);
      const all = await catalogConsumers(metadata, wanted, signal);
      if (options.json) printJson(host, all.map(toJson));
      else host.stdout.write(all.length === 0 ? 'nobody used it yet\n' : table(all, latest));
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
  /** Null: all versions were removed, and some of them were used. */
  readonly latest: number | null;
}

interface Asked extends Publisher {
  /** Null: all of them. */
  readonly definition: string | null;
}

/** A catalog; else the last segment is the name of a definition, which may be gone and have been used. Errors: E_NOT_FOUND. */
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
    hint: 'who uses one is known where it is published: cachelane catalog ls has those of this store',
  });
}

/** Null: the words are no namespace. */
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

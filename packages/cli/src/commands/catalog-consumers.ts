import { CachelaneError, isCachelaneError, type Metadata } from '@cachelane/core';
import { catalogConsumers, requireCatalog, type CatalogConsumer, type OfferedCatalog } from '@cachelane/engine';
import { catalogArgument } from '../catalogs/catalog-argument.ts';
import { defineCommand, jsonOption, projectOptions, type Command } from '../command.ts';
import { formatBytes, formatTable, formatTime } from '../format.ts';
import type { Host } from '../host.ts';
import { isoTime, printJson } from '../print.ts';
import { readStore } from '../store.ts';

export const catalogConsumersCommand: Command = defineCommand({
  name: 'catalog consumers',
  summary: 'say who uses what a namespace offers, in which version, and when last',
  details: ['As far as this store knows: runs and forks of its own, that asked for a volume by its definition.'],
  options: { directory: projectOptions.directory, ...jsonOption },
  operands: [{ name: 'NAMESPACE[/NAME]', help: 'a catalog, or one of its definitions' }],
  async run({ options, operands }, host) {
    const { directory } = options;
    return await readStore(host, async ({ metadata, signal }) => {
      const question = { text: operands['NAMESPACE[/NAME]'], directory };
      const { catalog, definition } = await asked({ host, metadata }, question, signal);
      const { namespaceId } = catalog;
      const all = await catalogConsumers(metadata, { namespaceId, definition }, signal);
      if (options.json) printJson(host, all.map(toJson));
      else host.stdout.write(all.length === 0 ? 'nobody used it yet\n' : table(all, catalog));
      return 0;
    });
  },
});

interface Surroundings {
  readonly host: Host;
  readonly metadata: Metadata;
}

interface Asked {
  readonly catalog: OfferedCatalog;
  /** Null: all of them. */
  readonly definition: string | null;
}

/** A catalog; else the last segment is the name of a definition, which may be gone and have been used. Errors: those of {@link requireCatalog}. */
async function asked(
  { host, metadata }: Surroundings,
  { text, directory }: { readonly text: string; readonly directory: string | undefined },
  signal: AbortSignal,
): Promise<Asked> {
  const find = async (name: string): Promise<OfferedCatalog | null> => {
    try {
      const { namespace } = await catalogArgument(host, { text: name, directory });
      return await requireCatalog(metadata, { namespace, version: null, digest: null }, signal);
    } catch (error) {
      if (isCachelaneError(error, 'E_NOT_FOUND', 'E_NAMESPACE')) return null;
      throw error;
    }
  };
  const whole = await find(text);
  if (whole !== null) return { catalog: whole, definition: null };
  const slash = text.lastIndexOf('/');
  const outer = slash < 0 ? null : await find(text.slice(0, slash));
  if (outer !== null) return { catalog: outer, definition: text.slice(slash + 1) };
  throw new CachelaneError('E_NOT_FOUND', `there is no catalog of ${text}`, { hint: 'see: cachelane catalog ls' });
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

function table(all: readonly CatalogConsumer[], { version: latest }: OfferedCatalog): string {
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
      version === latest ? String(version) : `${version} of ${latest}`,
      formatTime(usedAtMs),
      volume?.name ?? 'gone',
      formatBytes(sizeBytes),
    ]),
  );
}

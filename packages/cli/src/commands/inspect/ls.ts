import { parseNamespace, type Namespace } from '@cachelane/core';
import { listHeads, listHeadsOf, type ListedHead } from '@cachelane/engine';
import { defineCommand, jsonOption, projectOptions, type Command } from '../../host/command.ts';
import { compatText, projectOf } from '../../context/find-volume.ts';
import { formatBytes, formatTable, formatTime } from '../../base/format.ts';
import type { Host } from '../../host/host.ts';
import { isoTime, printJson, shortId } from '../../host/print.ts';
import { readStore, type ReadStore } from '../../home/store.ts';

export const ls: Command = defineCommand({
  name: 'ls',
  summary: 'list the stored volumes',
  examples: ['cachelane ls', 'cachelane ls --here'],
  details: [
    'Lists every volume of the store, one line for each lane. -n NAMESPACE selects one namespace, --here the one of this project. FILES counts the files and symlinks of all layers; a path in several layers counts several times.',
  ],
  options: {
    ...projectOptions,
    namespace: { ...projectOptions.namespace, help: 'only the volumes of this namespace' },
    here: { help: "only the volumes of this project's namespace" },
    ...jsonOption,
  },
  operands: [],
  async run({ options }, host) {
    return await readStore(host, async (store) => {
      const wanted = await wantedNamespace(host, options);
      // Any name of the namespace works; the current one is listed.
      const heads = wanted === null ? await listHeads(store.metadata, store.signal) : await headsIn(store, wanted);
      if (options.json) printJson(host, heads.map(toJson));
      else if (heads.length > 0) host.stdout.write(table(heads));
      else host.stdout.write(wanted === null ? 'There are no volumes yet.\n' : `${wanted} has no volumes yet.\n`);
      return 0;
    });
  },
});

async function headsIn({ metadata, signal }: ReadStore, wanted: Namespace): Promise<readonly ListedHead[]> {
  const record = await metadata.findNamespace(wanted, signal);
  return record === undefined ? [] : await listHeadsOf(metadata, await metadata.volumesOf(record.id, signal), signal);
}

interface Filter {
  readonly directory: string | undefined;
  readonly namespace: string | undefined;
  readonly here: boolean;
}

async function wantedNamespace(host: Host, filter: Filter): Promise<Namespace | null> {
  const asks = filter.here || filter.directory !== undefined;
  const project = asks ? await projectOf(host, filter) : null;
  if (filter.namespace !== undefined) return parseNamespace(filter.namespace, '--namespace');
  return filter.here && project !== null ? project.context.namespace : null;
}

function toJson({ namespace, volume, head, files, sizeBytes }: ListedHead): unknown {
  return {
    namespace,
    volume: volume.name,
    compat: volume.compat,
    lane: head.lane,
    generation: head.generation,
    layers: head.layers.length,
    files,
    sizeBytes,
    updatedAt: isoTime(head.updatedAtMs),
    lastRun: head.run,
  };
}

const right = { align: 'right' } as const;

function table(heads: readonly ListedHead[]): string {
  return formatTable(
    [
      { title: 'NAMESPACE' },
      { title: 'VOLUME' },
      { title: 'COMPAT' },
      { title: 'LANE' },
      { title: 'GEN', ...right },
      { title: 'LAYERS', ...right },
      { title: 'FILES', ...right },
      { title: 'SIZE', ...right },
      { title: 'UPDATED' },
      { title: 'LAST RUN' },
    ],
    heads.map(({ namespace, volume, head, files, sizeBytes }) => [
      namespace,
      volume.name,
      compatText(volume.compat),
      head.lane,
      String(head.generation),
      String(head.layers.length),
      String(files),
      formatBytes(sizeBytes),
      formatTime(head.updatedAtMs),
      shortId(head.run),
    ]),
  );
}

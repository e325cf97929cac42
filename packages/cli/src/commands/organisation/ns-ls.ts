import type { NamespaceRecord } from '@cachelane/core';
import { listHeads, compareText } from '@cachelane/engine';
import { defineCommand, jsonOption, type Command } from '../../host/command.ts';
import { formatBytes, formatTable, formatTime } from '../../base/format.ts';
import { isoTime, printJson } from '../../host/print.ts';
import { readStore } from '../../home/store.ts';

export const nsLs: Command = defineCommand({
  name: 'ns ls',
  summary: 'list namespaces and their aliases',
  examples: ['cachelane ns ls'],
  options: { ...jsonOption },
  operands: [],
  async run({ options }, host) {
    return await readStore(host, async (store) => {
      const volumes = Map.groupBy(await store.metadata.listVolumes(store.signal), ({ namespaceId }) => namespaceId);
      const heads = Map.groupBy(await listHeads(store.metadata, store.signal), ({ volume }) => volume.namespaceId);
      const rows = (await store.metadata.listNamespaces(store.signal))
        .map((record): Row => {
          const own = heads.get(record.id) ?? [];
          return {
            record,
            volumes: new Set(volumes.get(record.id)?.map(({ name }) => name)).size,
            sizeBytes: own.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
          };
        })
        .toSorted((a, b) => compareText(a.record.paths[0] ?? '', b.record.paths[0] ?? ''));
      if (options.json) printJson(host, rows.map(toJson));
      else host.stdout.write(rows.length === 0 ? 'There are no namespaces yet.\n' : table(rows));
      return 0;
    });
  },
});

interface Row {
  readonly record: NamespaceRecord;
  readonly volumes: number;
  readonly sizeBytes: number;
}

function toJson({ record, volumes, sizeBytes }: Row): unknown {
  const [namespace, ...aliases] = record.paths;
  return { namespace, id: record.id, aliases, volumes, sizeBytes, createdAt: isoTime(record.createdAtMs) };
}

function table(rows: readonly Row[]): string {
  return formatTable(
    [
      { title: 'NAMESPACE' },
      { title: 'VOLUMES', align: 'right' },
      { title: 'SIZE', align: 'right' },
      { title: 'CREATED' },
      { title: 'ALSO KNOWN AS' },
    ],
    rows.map(({ record, volumes, sizeBytes }) => [
      record.paths[0] ?? '',
      String(volumes),
      formatBytes(sizeBytes),
      formatTime(record.createdAtMs),
      record.paths.slice(1).join(' '),
    ]),
  );
}

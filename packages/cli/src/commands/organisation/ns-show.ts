import { parseNamespace, type NamespaceRecord } from '@cachelane/core';
import { listHeadsOf, requireNamespace, type ListedHead } from '@cachelane/engine';
import { defineCommand, jsonOption, projectOptions, type Command } from '../../host/command.ts';
import { compatText, projectOf } from '../../context/find-volume.ts';
import { formatBytes, formatFields, formatTable, formatTime, plural } from '../../base/format.ts';
import { isoTime, printJson } from '../../host/print.ts';
import { readStore } from '../../home/store.ts';

export const nsShow: Command = defineCommand({
  name: 'ns show',
  summary: 'show one namespace and its volumes',
  examples: ['cachelane ns show', 'cachelane ns show github.com/acme/web'],
  details: ['For lifetimes and size limits, see cachelane ns policy.'],
  options: { directory: projectOptions.directory, ...jsonOption },
  operands: [{ name: 'NAMESPACE', optional: true, help: "any name of the namespace; default: the project's" }],
  async run({ options, operands }, host) {
    const asked =
      operands.NAMESPACE === undefined
        ? (await projectOf(host, { directory: options.directory, namespace: undefined })).context.namespace
        : parseNamespace(operands.NAMESPACE, 'NAMESPACE');
    return await readStore(host, async (store) => {
      const { metadata, signal } = store;
      const record = await requireNamespace(metadata, asked, signal);
      const heads = await listHeadsOf(metadata, await metadata.volumesOf(record.id, signal), signal);
      if (options.json) printJson(host, toJson(record, heads));
      else host.stdout.write(text(record, heads));
      return 0;
    });
  },
});

function toJson({ id, paths, createdAtMs }: NamespaceRecord, heads: readonly ListedHead[]): unknown {
  const [namespace, ...aliases] = paths;
  return {
    namespace,
    id,
    aliases,
    createdAt: isoTime(createdAtMs),
    heads: heads.map(({ volume, head, files, sizeBytes }) => ({
      volume: volume.name,
      compat: volume.compat,
      tool: volume.tool,
      lane: head.lane,
      generation: head.generation,
      layers: head.layers.length,
      files,
      sizeBytes,
      updatedAt: isoTime(head.updatedAtMs),
    })),
  };
}

const right = { align: 'right' } as const;

function text({ id, paths, createdAtMs }: NamespaceRecord, heads: readonly ListedHead[]): string {
  const [namespace, ...aliases] = paths;
  const volumes = new Set(heads.map(({ volume }) => volume.id)).size;
  const fields = formatFields([
    ['namespace', namespace ?? ''],
    ...(aliases.length === 0 ? [] : [['also known as', aliases.join(', ')] as const]),
    ['id', id],
    ['since', formatTime(createdAtMs)],
    ['holds', `${plural(volumes, 'volume')} on ${plural(new Set(heads.map(({ head }) => head.lane)).size, 'lane')}`],
  ]);
  if (heads.length === 0) return fields;
  const table = formatTable(
    [
      { title: 'VOLUME' },
      { title: 'COMPAT' },
      { title: 'LANE' },
      { title: 'GEN', ...right },
      { title: 'FILES', ...right },
      { title: 'SIZE', ...right },
      { title: 'UPDATED' },
    ],
    heads.map(({ volume, head, files, sizeBytes }) => [
      volume.name,
      compatText(volume.compat),
      head.lane,
      String(head.generation),
      String(files),
      formatBytes(sizeBytes),
      formatTime(head.updatedAtMs),
    ]),
  );
  return `${fields}\n${table}`;
}

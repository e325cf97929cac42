import { formatPolicyValue, parseNamespace } from '@cachelane/core';
import { defineCommand, jsonOption, projectOptions, type Command } from '../../host/command.ts';
import { usageOf, type HeadUsage, type Usage, type UsageFilter } from '../../inspect/disk-usage.ts';
import { compatText, findVolume } from '../../context/find-volume.ts';
import { formatBytes, formatTable, plural } from '../../base/format.ts';
import type { Host } from '../../host/host.ts';
import { printJson } from '../../host/print.ts';
import { readStore, type ReadStore } from '../../home/store.ts';

export const du: Command = defineCommand({
  name: 'du',
  summary: 'show how much space volumes take',
  examples: ['cachelane du', 'cachelane du npm'],
  details: [
    'Prints one line for each lane of each volume. UNIQUE: content of layers that only this head uses. SHARED: content of layers that several heads use. BUDGET: the size limit on that lane (policy volume-budget), if any. VOLUME selects one volume, -n NAMESPACE the volumes of a namespace.',
    'Without either, prints the whole store too: its size on disk, the history beyond the heads, and what cachelane gc would free. Derived layers link most of their content, so only the rest counts. Kept directories are a second copy of contents, for runs that share a directory or cannot mount one. Images of registries are contents that volumes begin with (provider oci:).',
  ],
  options: { ...projectOptions, ...jsonOption },
  operands: [{ name: 'VOLUME', optional: true, help: 'NAME, or NAMESPACE:NAME' }],
  async run({ options, operands }, host) {
    return await readStore(host, async (store) => {
      const filter = await filterOf({ host, store }, { ...options, volume: operands.VOLUME });
      const usage = await usageOf({ host, store }, filter);
      if (options.json) printJson(host, toJson(usage));
      else host.stdout.write(text(usage, options.namespace));
      return 0;
    });
  },
});

interface Wanted {
  readonly directory: string | undefined;
  readonly namespace: string | undefined;
  readonly volume: string | undefined;
}

async function filterOf(
  { host, store }: { readonly host: Host; readonly store: ReadStore },
  { volume, ...project }: Wanted,
): Promise<UsageFilter> {
  if (volume !== undefined) {
    const { variants } = await findVolume(host, store, { ...project, volume });
    return { kind: 'volumes', ids: new Set(variants.map(({ id }) => id)) };
  }
  if (project.namespace === undefined) return { kind: 'all' };
  const namespace = parseNamespace(project.namespace, '--namespace');
  return { kind: 'namespace', id: (await store.metadata.findNamespace(namespace, store.signal))?.id };
}

function toJson({ heads, headBytes, store }: Usage): unknown {
  return {
    heads: heads.map(({ listed: { namespace, volume, head }, uniqueBytes, sharedBytes, budgetBytes }) => ({
      namespace,
      volume: volume.name,
      compat: volume.compat,
      lane: head.lane,
      layers: head.layers.length,
      uniqueBytes,
      sharedBytes,
      budgetBytes: Number.isFinite(budgetBytes) ? budgetBytes : null,
    })),
    headBytes,
    store: store && {
      onDiskBytes: totalOnDisk(store),
      ...store.onDisk,
      layers: store.layers,
      derived: store.derived,
      keptBytes: store.keptBytes,
      reclaimable: store.reclaimable,
      young: store.young,
    },
  };
}

function totalOnDisk({ onDisk }: NonNullable<Usage['store']>): number {
  return Object.values(onDisk).reduce((sum, bytes) => sum + bytes, 0);
}

function text(usage: Usage, namespace: string | undefined): string {
  const { heads, headBytes, store } = usage;
  const none = namespace === undefined ? 'There are no volumes yet.\n' : `${namespace} has no volumes yet.\n`;
  const table = heads.length === 0 ? none : headTable(heads);
  const volumes = `volumes: ${formatBytes(headBytes)} in ${plural(heads.length, 'head')}\n`;
  if (store === null) return heads.length === 0 ? table : `${table}\n${volumes}`;
  const { onDisk, reclaimable, young } = store;
  const gc = `${plural(reclaimable.layers, 'layer')} (${formatBytes(reclaimable.bytes)}), ${plural(reclaimable.derived, 'derived layer')}`;
  const later =
    young.layers === 0
      ? ''
      : `; after ten minutes, ${plural(young.layers, 'layer')} (${formatBytes(young.bytes)}) more`;
  return `${table}
${volumes}history and open runs: ${formatBytes(store.keptBytes)} more
on disk: ${formatBytes(totalOnDisk(store))}: ${plural(store.layers, 'layer')} ${formatBytes(onDisk.layersBytes)}, ${plural(store.derived, 'derived layer')} ${formatBytes(onDisk.derivedBytes)} beyond those, the rest ${formatBytes(onDisk.otherBytes)}${keptText(onDisk.keptDirectoriesBytes)}${imagesText(onDisk.providedImagesBytes)}
cachelane gc would free: ${gc}${later}
`;
}

function keptText(bytes: number): string {
  if (bytes === 0) return '';
  return `\nkept directories: ${formatBytes(bytes)} of that, for runs that share a directory or cannot mount one`;
}

function imagesText(bytes: number): string {
  if (bytes === 0) return '';
  return `\nimages of registries: ${formatBytes(bytes)} of that, for volumes that begin with their contents`;
}

const right = { align: 'right' } as const;

function headTable(heads: readonly HeadUsage[]): string {
  const hasBudgets = heads.some(({ budgetBytes }) => Number.isFinite(budgetBytes));
  return formatTable(
    [
      { title: 'NAMESPACE' },
      { title: 'VOLUME' },
      { title: 'COMPAT' },
      { title: 'LANE' },
      { title: 'LAYERS', ...right },
      { title: 'UNIQUE', ...right },
      { title: 'SHARED', ...right },
      ...(hasBudgets ? [{ title: 'BUDGET', ...right }] : []),
    ],
    heads.map(({ listed: { namespace, volume, head }, uniqueBytes, sharedBytes, budgetBytes }) => [
      namespace,
      volume.name,
      compatText(volume.compat),
      head.lane,
      String(head.layers.length),
      formatBytes(uniqueBytes),
      formatBytes(sharedBytes),
      ...(hasBudgets ? [formatPolicyValue('volume-budget', budgetBytes)] : []),
    ]),
  );
}

import { parseNamespace, type NamespaceRecord, type VolumeRecord } from '@cachelane/core';
import { compareText, listHeads, removeVolumes, requireWritable } from '@cachelane/engine';
import { defineCommand, jsonOption, projectOptions, type Command } from '../command.ts';
import { projectOf } from '../find-volume.ts';
import { formatBytes, plural } from '../format.ts';
import { printJson } from '../print.ts';
import { sparingStore } from '../store.ts';
import { knownNamespace } from './ns-show.ts';

export const nsRm: Command = defineCommand({
  name: 'ns rm',
  summary: 'remove every volume of a namespace, on all lanes',
  details: [
    'History goes as well: nothing brings it back but a remote, which keeps what it has. Runs that are under way keep what they see, and save nothing of what was removed: it stays removed. Namespaces below it stay as they are. Where a run may save nothing, nothing is removed either. The space comes back with: cachelane gc.',
  ],
  options: {
    directory: projectOptions.directory,
    'dry-run': { help: 'say what would be removed, and remove nothing' },
    ...jsonOption,
  },
  operands: [{ name: 'NAMESPACE', help: 'by any of its names, as cachelane ns ls shows it' }],
  async run({ options, operands }, host) {
    const asked = parseNamespace(operands.NAMESPACE, 'NAMESPACE');
    const { context } = await projectOf(host, { directory: options.directory, namespace: undefined });
    requireWritable(context);
    return await sparingStore(host, async (store) => {
      const { metadata, signal } = store;
      const record = await knownNamespace(store, asked);
      const variants = (await metadata.listVolumes(signal)).filter(({ namespaceId }) => namespaceId === record.id);
      const heads = (await listHeads(metadata, signal)).filter(({ volume }) => volume.namespaceId === record.id);
      const sizeBytes = heads.reduce((sum, head) => sum + head.sizeBytes, 0);
      if (!options['dry-run']) {
        const held = new Set(heads.map(({ volume }) => volume.id));
        const removal = { variants: variants.map(({ id }) => id), held, lane: null };
        await removeVolumes({ metadata, mounters: await store.mounters() }, removal, signal);
      }
      const removed = { names: namesOf(variants), heads: heads.length, sizeBytes };
      if (options.json) printJson(host, toJson(record, removed, options['dry-run']));
      else host.stdout.write(text(record, removed, options['dry-run']));
      return 0;
    });
  },
});

interface Removed {
  readonly names: readonly string[];
  readonly heads: number;
  readonly sizeBytes: number;
}

function namesOf(volumes: readonly VolumeRecord[]): readonly string[] {
  return [...new Set(volumes.map(({ name }) => name))].toSorted(compareText);
}

function toJson({ paths }: NamespaceRecord, { names, heads, sizeBytes }: Removed, dryRun: boolean): unknown {
  return { dryRun, namespace: paths[0], volumes: names, heads, sizeBytes };
}

function text({ paths }: NamespaceRecord, { names, heads, sizeBytes }: Removed, dryRun: boolean): string {
  const what = names.length === 0 ? 'no volumes' : names.join(', ');
  return `${dryRun ? 'would remove' : 'removed'} ${what} of ${paths[0]}: ${plural(heads, 'head')}, ${formatBytes(sizeBytes)}\n`;
}

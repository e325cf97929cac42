import { parseNamespace } from '@cachelane/core';
import { removeNamespace, requireWritable, type RemovedNamespace } from '@cachelane/engine';
import { defineCommand, jsonOption, projectOptions, type Command } from '../../host/command.ts';
import { projectOf } from '../../context/find-volume.ts';
import { formatBytes, plural } from '../../base/format.ts';
import { printJson } from '../../host/print.ts';
import { sparingStore } from '../../home/store.ts';

export const nsRm: Command = defineCommand({
  name: 'ns rm',
  summary: 'remove a namespace and all its volumes',
  examples: ['cachelane ns rm teams/payments --dry-run'],
  details: [
    'Also removes the history. Only a remote can restore the volumes, since it keeps its copies. Running commands keep their files and save nothing to the removed volumes. Namespaces below it and policies stay. A run that may not save may not remove. To free the space, run cachelane gc.',
  ],
  options: {
    directory: projectOptions.directory,
    'dry-run': { help: 'show what would be removed without removing it' },
    ...jsonOption,
  },
  operands: [{ name: 'NAMESPACE', help: 'a namespace from cachelane ns ls, by any of its names' }],
  async run({ options, operands }, host) {
    const path = parseNamespace(operands.NAMESPACE, 'NAMESPACE');
    const { context } = await projectOf(host, { directory: options.directory, namespace: undefined });
    requireWritable(context);
    return await sparingStore(host, async (store) => {
      const dryRun = options['dry-run'];
      const removed = await removeNamespace(store, { path, dryRun }, store.signal);
      if (options.json) printJson(host, toJson(removed, dryRun));
      else host.stdout.write(text(removed, dryRun));
      return 0;
    });
  },
});

function toJson({ record, volumes, heads, sizeBytes }: RemovedNamespace, dryRun: boolean): unknown {
  return { dryRun, namespace: record.paths[0], volumes, heads, sizeBytes };
}

function text({ record, volumes, heads, sizeBytes }: RemovedNamespace, dryRun: boolean): string {
  const what = volumes.length === 0 ? 'no volumes' : volumes.join(', ');
  return `${dryRun ? 'would remove' : 'removed'} ${record.paths[0]} with ${what}: ${plural(heads, 'head')}, ${formatBytes(sizeBytes)}\n`;
}

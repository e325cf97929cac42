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
    'History goes as well: nothing brings it back but a remote, which keeps what it has. Runs that are under way keep what they see, and save nothing of what was removed: it stays removed. Namespaces below it stay as they are, and so do policies. Where a run may save nothing, nothing is removed either. The space comes back with: cachelane gc.',
  ],
  options: {
    directory: projectOptions.directory,
    'dry-run': { help: 'say what would be removed, and remove nothing' },
    ...jsonOption,
  },
  operands: [{ name: 'NAMESPACE', help: 'by any of its names, as cachelane ns ls shows it' }],
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

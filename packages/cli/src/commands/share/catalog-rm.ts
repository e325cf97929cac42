import { CachelaneError } from '@cachelane/core';
import { removeCatalog, requireWritable, type RemovedCatalog } from '@cachelane/engine';
import { catalogArgument } from '../../catalogs/catalog-argument.ts';
import { defineCommand, jsonOption, projectOptions, type Command } from '../../host/command.ts';
import { projectOf } from '../../context/find-volume.ts';
import { printJson } from '../../host/print.ts';
import { readStore } from '../../home/store.ts';

export const catalogRm: Command = defineCommand({
  name: 'catalog rm',
  summary: 'remove one version of a catalog permanently',
  examples: ['cachelane catalog rm github.com/acme@3 --dry-run'],
  details: [
    'The number is not used again while the namespace exists. If it was the latest version, its users get the one before; projects that locked it get an error. Volumes stay. A run that may not save may not remove.',
  ],
  options: {
    directory: projectOptions.directory,
    'dry-run': { help: 'show who used it without removing it' },
    ...jsonOption,
  },
  operands: [{ name: 'NAMESPACE@VERSION', help: 'which one' }],
  async run({ options, operands }, host) {
    const text = operands['NAMESPACE@VERSION'];
    const { context } = await projectOf(host, { directory: options.directory, namespace: undefined });
    requireWritable(context);
    const { namespace, version } = await catalogArgument(host, { text, directory: options.directory });
    if (version === null) throw new CachelaneError('E_USAGE', `name the version: ${text}@VERSION`);
    return await readStore(host, async ({ metadata, signal }) => {
      const dryRun = options['dry-run'];
      const removed = await removeCatalog(metadata, { path: namespace, version, dryRun }, signal);
      if (options.json) printJson(host, { dryRun, ...removed });
      else host.stdout.write(textOf(removed, dryRun));
      return removed.wasThere ? 0 : 1;
    });
  },
});

function textOf({ namespace, version, wasThere, consumers }: RemovedCatalog, dryRun: boolean): string {
  const what = `version ${version} of the catalog of ${namespace}`;
  if (!wasThere) return `there is no ${what}\n`;
  const users = consumers.length === 0 ? 'no project' : consumers.join(', ');
  return `${dryRun ? 'would remove' : 'removed'} ${what}, used by ${users}\n`;
}

import { CachelaneError } from '@cachelane/core';
import { removeCatalog, requireWritable, type RemovedCatalog } from '@cachelane/engine';
import { catalogArgument } from '../../catalogs/catalog-argument.ts';
import { defineCommand, jsonOption, projectOptions, type Command } from '../../host/command.ts';
import { projectOf } from '../../context/find-volume.ts';
import { printJson } from '../../host/print.ts';
import { readStore } from '../../home/store.ts';

export const catalogRm: Command = defineCommand({
  name: 'catalog rm',
  summary: 'remove one version of a catalog, for good',
  examples: ['cachelane catalog rm github.com/acme@3 --dry-run'],
  details: [
    'Its number never comes again, while the namespace is there. Who goes by the latest version goes by the one before, where it was the latest; who locked it is told that it is gone. Volumes stay as they are. Where a run may save nothing, nothing is removed either.',
  ],
  options: {
    directory: projectOptions.directory,
    'dry-run': { help: 'say who went by it, and remove nothing' },
    ...jsonOption,
  },
  operands: [{ name: 'NAMESPACE@VERSION', help: 'which one' }],
  async run({ options, operands }, host) {
    const text = operands['NAMESPACE@VERSION'];
    const { context } = await projectOf(host, { directory: options.directory, namespace: undefined });
    requireWritable(context);
    const { namespace, version } = await catalogArgument(host, { text, directory: options.directory });
    if (version === null) throw new CachelaneError('E_USAGE', `say which version: ${text}@VERSION`);
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
  const users = consumers.length === 0 ? 'nobody' : consumers.join(', ');
  return `${dryRun ? 'would remove' : 'removed'} ${what}, which ${users} went by\n`;
}

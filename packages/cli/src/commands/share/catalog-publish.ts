import { publishCatalog, requireWritable, type PublishedCatalog } from '@cachelane/engine';
import { findCatalogFile, readCatalogFile } from '../../catalogs/catalog-file.ts';
import { changeLines } from '../../catalogs/catalog-words.ts';
import { defineCommand, jsonOption, projectOptions, type Command } from '../../host/command.ts';
import { projectOf } from '../../context/find-volume.ts';
import { printJson, shortId } from '../../host/print.ts';
import { readStore } from '../../home/store.ts';
import { userOf } from '../../host/user-of.ts';

export const catalogPublish: Command = defineCommand({
  name: 'catalog publish',
  summary: "publish a new version of a namespace's catalog",
  examples: ['cachelane catalog publish --dry-run', 'cachelane catalog publish cachelane.catalog.yaml'],
  details: [
    'FILE contains the whole catalog: cachelane.catalog.yaml (or .json), or cachelane.catalog.ts (.mts, .mjs, .js) with a default export, best made by defineCatalog of @cachelane/sdk. Code runs with your permissions, like any script; its output goes to stderr.',
    'A version never changes, and equal contents make no new version. A change that breaks code written for the previous version needs --breaking: a definition that became another volume, or that was removed without having been deprecated. A run that may not save may not publish.',
  ],
  options: {
    ...projectOptions,
    namespace: { ...projectOptions.namespace, help: "the publishing namespace; default: the project's" },
    breaking: { help: 'allow changes that break code written for the previous version' },
    'dry-run': { help: 'show what would change without changing it' },
    ...jsonOption,
  },
  operands: [{ name: 'FILE', optional: true, help: 'default: cachelane.catalog.* in the directory' }],
  async run({ options, operands }, host) {
    const { context, workDir } = await projectOf(host, options);
    requireWritable(context);
    const name = operands.FILE ?? findCatalogFile(workDir);
    const file = await readCatalogFile({ directory: workDir, name, env: host.env });
    const tools = await host.pieces.loadTools();
    return await readStore(host, async ({ metadata, signal }) => {
      const { clock, random } = host;
      const dryRun = options['dry-run'];
      const offer = { path: context.namespace, ...file, by: userOf(host), breaking: options.breaking, dryRun };
      const published = await publishCatalog({ metadata, clock, random, tools }, offer, signal);
      if (options.json) printJson(host, { dryRun, ...published });
      else host.stdout.write(text(published, dryRun));
      return 0;
    });
  },
});

function text({ namespace, version, digest, isNew, changes }: PublishedCatalog, dryRun: boolean): string {
  const what = `version ${version} of the catalog of ${namespace} (${shortId(digest)})`;
  if (!isNew) return `${what} already has these contents: nothing ${dryRun ? 'would be' : 'was'} published\n`;
  return `${dryRun ? 'would publish' : 'published'} ${what}\n${changeLines(changes)}`;
}

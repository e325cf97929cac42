import { parseNamespace, type Namespace } from '@cachelane/core';
import { createNamespace, requireWritable, type Created } from '@cachelane/engine';
import { defineCommand, jsonOption, projectOptions, type Command } from '../../host/command.ts';
import { projectOf } from '../../context/find-volume.ts';
import { printJson } from '../../host/print.ts';
import { readStore } from '../../home/store.ts';

export const nsCreate: Command = defineCommand({
  name: 'ns create',
  summary: 'create a namespace without volumes',
  examples: ['cachelane ns create teams/payments'],
  details: [
    'The namespace is listed, can have policies, and stays until cachelane ns rm. Namespaces that runs create end with their last volume; this keeps an existing one. A run that may not save may not create.',
  ],
  options: {
    directory: projectOptions.directory,
    'dry-run': { help: 'show what would happen without doing it' },
    ...jsonOption,
  },
  operands: [{ name: 'NAMESPACE', help: 'its name, such as teams/payments' }],
  async run({ options, operands }, host) {
    const path = parseNamespace(operands.NAMESPACE, 'NAMESPACE');
    const { context } = await projectOf(host, { directory: options.directory, namespace: undefined });
    requireWritable(context);
    return await readStore(host, async ({ metadata, signal }) => {
      const dryRun = options['dry-run'];
      const { clock, random } = host;
      const created = await createNamespace({ metadata, clock, random }, { path, dryRun }, signal);
      const { namespace, isNew, record } = created;
      if (options.json) printJson(host, { dryRun, namespace, isNew, id: record?.id ?? null });
      else host.stdout.write(text(path, created, dryRun));
      return 0;
    });
  },
});

function text(asked: Namespace, { namespace, isNew }: Created, dryRun: boolean): string {
  if (isNew) return `${dryRun ? 'would create' : 'created'} ${namespace}\n`;
  const known = asked === namespace ? namespace : `${asked}, an earlier name of ${namespace},`;
  return `${known} already exists and ${dryRun ? 'would stay' : 'stays'} until it is removed\n`;
}

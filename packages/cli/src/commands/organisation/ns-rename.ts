import { parseNamespace } from '@cachelane/core';
import { defineCommand, jsonOption, projectOptions, type Command } from '../../host/command.ts';
import { projectOf } from '../../context/find-volume.ts';
import { renameAndTell } from './rename-and-tell.ts';

export const nsRename: Command = defineCommand({
  name: 'ns rename',
  summary: 'rename a namespace; the old name stays an alias',
  examples: ['cachelane ns rename github.com/acme/web github.com/acme/site'],
  details: ['Volumes stay as they are, and the old name keeps working. A run that may not save may not rename.'],
  options: {
    directory: projectOptions.directory,
    'dry-run': { help: 'show what would happen without doing it' },
    ...jsonOption,
  },
  operands: [
    { name: 'FROM', help: 'a namespace from cachelane ns ls' },
    { name: 'TO', help: 'its new name' },
  ],
  async run({ options, operands }, host) {
    const from = parseNamespace(operands.FROM, 'FROM');
    const to = parseNamespace(operands.TO, 'TO');
    const { context } = await projectOf(host, { directory: options.directory, namespace: undefined });
    return await renameAndTell(host, { context, from, to, dryRun: options['dry-run'], json: options.json });
  },
});

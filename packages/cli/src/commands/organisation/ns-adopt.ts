import { CachelaneError, parseNamespace } from '@cachelane/core';
import { defineCommand, jsonOption, projectOptions, type Command } from '../../host/command.ts';
import { projectOf } from '../../context/find-volume.ts';
import { renameAndTell } from './rename-and-tell.ts';

export const nsAdopt: Command = defineCommand({
  name: 'ns adopt',
  summary: "move another namespace's volumes to this project",
  examples: ['cachelane ns adopt', 'cachelane ns adopt local/web'],
  details: [
    'For a project that got a remote or moved. Without FROM, adopts the volumes of the first name of its directory. A run that may not save may not adopt.',
  ],
  options: { ...projectOptions, 'dry-run': { help: 'show what would happen without doing it' }, ...jsonOption },
  operands: [{ name: 'FROM', optional: true, help: 'the namespace to take volumes from' }],
  async run({ options, operands }, host) {
    const { context } = await projectOf(host, options);
    const from = operands.FROM === undefined ? context.localNamespace : parseNamespace(operands.FROM, 'FROM');
    if (from === context.namespace) {
      throw new CachelaneError('E_USAGE', `${from} is already the namespace of this project`, {
        hint: 'name the namespace to take volumes from: cachelane ns adopt FROM',
      });
    }
    const { 'dry-run': dryRun, json } = options;
    return await renameAndTell(host, { context, from, to: context.namespace, dryRun, json });
  },
});

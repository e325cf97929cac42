import { CachelaneError, parseNamespace } from '@cachelane/core';
import { defineCommand, jsonOption, projectOptions, type Command } from '../../host/command.ts';
import { projectOf } from '../../context/find-volume.ts';
import { renameAndTell } from './rename-and-tell.ts';

export const nsAdopt: Command = defineCommand({
  name: 'ns adopt',
  summary: "move another namespace's volumes to this project",
  examples: ['cachelane ns adopt', 'cachelane ns adopt local/web'],
  details: [
    'For a project that got a remote, or moved: without FROM it takes the name that its directory had before it had any other. Where a run may save nothing, nothing is handed over either.',
  ],
  options: { ...projectOptions, 'dry-run': { help: 'say what would happen, and change nothing' }, ...jsonOption },
  operands: [{ name: 'FROM', optional: true, help: 'the namespace whose volumes it takes' }],
  async run({ options, operands }, host) {
    const { context } = await projectOf(host, options);
    const from = operands.FROM === undefined ? context.localNamespace : parseNamespace(operands.FROM, 'FROM');
    if (from === context.namespace) {
      throw new CachelaneError('E_USAGE', `${from} is the namespace of this project already`, {
        hint: 'name the one whose volumes it takes: cachelane ns adopt FROM',
      });
    }
    const { 'dry-run': dryRun, json } = options;
    return await renameAndTell(host, { context, from, to: context.namespace, dryRun, json });
  },
});

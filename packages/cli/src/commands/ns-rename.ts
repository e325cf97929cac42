import { parseNamespace } from '@cachelane/core';
import { defineCommand, jsonOption, type Command } from '../command.ts';
import { renameAndTell } from '../rename-and-tell.ts';

export const nsRename: Command = defineCommand({
  name: 'ns rename',
  summary: 'give a namespace another name',
  details: ['Nothing moves: the volumes stay, and the old name goes on working.'],
  options: { 'dry-run': { help: 'say what would happen, and change nothing' }, ...jsonOption },
  operands: [
    { name: 'FROM', help: 'a namespace, as cachelane ns ls shows it' },
    { name: 'TO', help: 'its new name' },
  ],
  async run({ options, operands }, host) {
    const from = parseNamespace(operands.FROM, 'FROM');
    const to = parseNamespace(operands.TO, 'TO');
    return await renameAndTell(host, { from, to, dryRun: options['dry-run'], json: options.json });
  },
});

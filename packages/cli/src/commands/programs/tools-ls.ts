import type { Tool } from '@cachelane/core';
import { defineCommand, jsonOption, type Command } from '../../host/command.ts';
import { formatTable } from '../../base/format.ts';
import { printJson } from '../../host/print.ts';

export const tools: Command = defineCommand({
  name: 'tools',
  summary: 'list the known tools',
  examples: ['cachelane tools'],
  details: [
    'See one in full with cachelane tools show NAME.',
    'PRUNES: cachelane prune can free space with a command of the tool. SYNC: whether a volume is pushed to a remote. TRIED: whether the rules were tested with the real tool or with a fixture made from its documentation.',
  ],
  options: { ...jsonOption },
  operands: [],
  async run({ options }, host) {
    const known = await host.pieces.loadTools();
    if (options.json) printJson(host, known.map(toJson));
    else host.stdout.write(table(known));
    return 0;
  },
});

function toJson({ name, summary, lockfiles, linksOut, commitWhen, prune, sync, tried }: Tool): unknown {
  return { name, summary, lockfiles, linksOut, commitWhen, prunes: prune.kind === 'command', sync, tried };
}

function table(known: readonly Tool[]): string {
  return formatTable(
    ['NAME', 'FOUND BY', 'PRUNES', 'SYNC', 'TRIED', 'WHAT IT HOLDS'].map((title) => ({ title })),
    known.map(({ name, lockfiles, prune, sync, tried, summary }) => [
      name,
      lockfiles.join(' ') || '-',
      prune.kind === 'command' ? 'yes' : '-',
      sync,
      tried,
      summary,
    ]),
  );
}

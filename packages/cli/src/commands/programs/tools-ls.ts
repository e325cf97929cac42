import type { Tool } from '@cachelane/core';
import { defineCommand, jsonOption, type Command } from '../../host/command.ts';
import { formatTable } from '../../base/format.ts';
import { printJson } from '../../host/print.ts';

export const tools: Command = defineCommand({
  name: 'tools',
  summary: 'list the tools whose caches are known',
  examples: ['cachelane tools'],
  details: [
    'One of them in full: cachelane tools show NAME.',
    'PRUNES: cachelane prune knows a command of the tool that frees space. SYNC: whether a volume is worth sending to other machines, where there is a remote. TRIED: how the rules were tried, with the real tool, or with a fixture: a tree made by hand after its documentation.',
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

import type { Tool } from '@cachelane/core';
import { defineCommand, jsonOption, type Command } from '../command.ts';
import { formatTable } from '../format.ts';
import { printJson } from '../print.ts';

export const tools: Command = defineCommand({
  name: 'tools',
  summary: 'list the tools whose caches are known',
  details: ['One of them in full: cachelane tools show NAME.'],
  options: { ...jsonOption },
  operands: [],
  async run({ options }, host) {
    const known = await host.pieces.loadTools();
    if (options.json) printJson(host, known.map(toJson));
    else host.stdout.write(table(known));
    return 0;
  },
});

function toJson({ name, summary, lockfiles, linksOut, tried }: Tool): unknown {
  return { name, summary, lockfiles, linksOut, tried };
}

function table(known: readonly Tool[]): string {
  return formatTable(
    [{ title: 'NAME' }, { title: 'FOUND BY' }, { title: 'TRIED' }, { title: 'WHAT IT HOLDS' }],
    known.map(({ name, lockfiles, tried, summary }) => [
      name,
      lockfiles.join(' ') || '-',
      tried === 'real tool' ? 'yes' : 'not yet',
      summary,
    ]),
  );
}

import type { Context } from '@cachelane/core';
import { defineCommand, jsonOption, projectOptions, type Command } from '../command.ts';
import { projectOf } from '../find-volume.ts';
import { formatFields, formatTable } from '../format.ts';
import { printJson } from '../print.ts';
import { chainText } from '../reporters/words.ts';

export const contextShow: Command = defineCommand({
  name: 'context show',
  summary: 'show where and who a command here is, and what decided it',
  options: { ...projectOptions, ...jsonOption },
  operands: [],
  async run({ options }, host) {
    const { context, warnings } = await projectOf(host, options);
    for (const warning of warnings) host.stderr.write(`cachelane: warning: ${warning}\n`);
    if (options.json) printJson(host, toJson(context));
    else host.stdout.write(text(context));
    return 0;
  },
});

function toJson({ endpoint, namespace, lane, trust, readChain, canWrite, inputs }: Context): unknown {
  return {
    endpoint,
    namespace,
    lane,
    trust,
    readChain: readChain.map((link) => ({ namespace: link.namespace, lane: link.lane })),
    canWrite,
    inputs: inputs.map(({ name, value, source }) => ({ name, value, source })),
  };
}

function text({ endpoint, namespace, lane, trust, readChain, canWrite, why, inputs }: Context): string {
  const fields = formatFields([
    ['endpoint', endpoint],
    ['namespace', namespace],
    ['lane', `${lane} (level ${trust})`],
    ['reads', chainText(readChain, namespace)],
    ['may save', `${canWrite ? 'yes' : 'no'}: ${why}`],
  ]);
  const table = formatTable(
    [{ title: 'INPUT' }, { title: 'VALUE' }, { title: 'SOURCE' }],
    inputs.map(({ name, value, source }) => [name, value, source]),
  );
  return `${fields}\n${table}`;
}

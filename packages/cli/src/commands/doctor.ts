import { defineCommand, jsonOption, projectOptions, type Command } from '../command.ts';
import { examine, type Check } from '../examine.ts';
import { exitCodes } from '../exit-codes.ts';
import { printable } from '../format.ts';
import { printJson } from '../print.ts';

export const doctor: Command = defineCommand({
  name: 'doctor',
  summary: 'check whether runs can have their caches here, and say what to mend',
  details: ['The exit code is 0 when they can, and 1 when a run would go on without a cache.'],
  options: { ...projectOptions, ...jsonOption },
  operands: [],
  async run({ options }, host) {
    const checks = await examine(host, options);
    const isUsable = checks.every(({ status }) => status !== 'fail');
    if (options.json) printJson(host, { usable: isUsable, checks });
    else host.stdout.write(checks.map(line).join('') + verdict(isUsable));
    return isUsable ? exitCodes.ok : exitCodes.failure;
  },
});

function line({ name, status, detail, mend }: Check): string {
  const first = `${status.padEnd(4)}  ${name}: ${printable(detail)}\n`;
  return mend === null ? first : `${first}      ${printable(mend)}\n`;
}

function verdict(isUsable: boolean): string {
  return isUsable ? 'Runs have their caches here.\n' : 'A run here would go on without a cache.\n';
}

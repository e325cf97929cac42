import { defineCommand, jsonOption, projectOptions, type Command } from '../../host/command.ts';
import { isRemoteCheck } from '../../doctor/examine-remote.ts';
import { examine } from '../../doctor/examine.ts';
import type { Check } from '../../doctor/check.ts';
import { exitCodes } from '../../base/exit-codes.ts';
import { printable } from '../../base/format.ts';
import { printJson } from '../../host/print.ts';
import { parseRemoteFlags, remoteOptions } from '../../remotes/remote-flags.ts';

export const doctor: Command = defineCommand({
  name: 'doctor',
  summary: 'check that runs can have caches here',
  examples: ['cachelane doctor', 'cachelane doctor --remote dir:/mnt/cache'],
  details: [
    'The exit code is 0 when they can, and 1 when a run would go on without a cache, or without the remote that it was to have.',
    'Where there is a remote, it is tried: a head of its own is written, moved and removed there. With --push never nothing is written.',
  ],
  options: { ...projectOptions, ...remoteOptions, ...jsonOption },
  operands: [],
  async run({ options }, host) {
    const checks = await examine(host, options, await parseRemoteFlags(host, options));
    const isUsable = checks.every(({ status }) => status !== 'fail');
    if (options.json) printJson(host, { usable: isUsable, checks });
    else host.stdout.write(checks.map(line).join('') + verdict(checks));
    return isUsable ? exitCodes.ok : exitCodes.failure;
  },
});

function line({ name, status, detail, mend }: Check): string {
  const first = `${status.padEnd(4)}  ${name}: ${printable(detail)}\n`;
  return mend === null ? first : `${first}      ${printable(mend)}\n`;
}

function verdict(checks: readonly Check[]): string {
  const failures = checks.filter(({ status }) => status === 'fail');
  if (failures.length === 0) return 'Runs have their caches here.\n';
  if (failures.every(isRemoteCheck)) return 'Runs have their caches here, and cannot use the remote.\n';
  return 'A run here would go on without a cache.\n';
}

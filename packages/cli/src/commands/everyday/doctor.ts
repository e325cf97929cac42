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
    'Problems come first, each with what to do. The exit code is 1 if runs here would have no cache, or not the remote that was named.',
    'The remote is tested: the doctor writes, moves and removes a head of its own there. With --push never it only reads.',
  ],
  options: {
    ...projectOptions,
    ...remoteOptions,
    verbose: { help: 'show the detail of every check' },
    ...jsonOption,
  },
  operands: [],
  async run({ options }, host) {
    const checks = await examine(host, options, await parseRemoteFlags(host, options));
    const isUsable = checks.every(({ status }) => status !== 'fail');
    if (options.json) printJson(host, { usable: isUsable, checks: checks.map(toJson) });
    else if (options.verbose) host.stdout.write(inOrder(checks).map(fullText).join('') + verdict(checks));
    else host.stdout.write(`${inOrder(checks).map(line).join('')}${verdict(checks)}More: cachelane doctor --verbose\n`);
    return isUsable ? exitCodes.ok : exitCodes.failure;
  },
});

function toJson({ name, status, detail, mend }: Check): unknown {
  return { name, status, detail, mend };
}

/** Returns the problems first, the worst at the top. */
function inOrder(checks: readonly Check[]): readonly Check[] {
  return (['fail', 'warn', 'ok'] as const).flatMap((wanted) => checks.filter(({ status }) => status === wanted));
}

function line({ name, status, detail, brief, mend }: Check): string {
  const what = mend === null ? (brief ?? detail) : `${detail}; ${mend}`;
  return `${status.padEnd(4)}  ${name}: ${printable(what)}\n`;
}

function fullText({ name, status, detail, mend }: Check): string {
  const first = `${status.padEnd(4)}  ${name}: ${printable(detail)}\n`;
  return mend === null ? first : `${first}      ${printable(mend)}\n`;
}

function verdict(checks: readonly Check[]): string {
  const failures = checks.filter(({ status }) => status === 'fail');
  if (failures.length === 0) return 'Runs have their caches here.\n';
  if (failures.every(isRemoteCheck)) return 'Runs have their caches here, but cannot use the remote.\n';
  return 'Runs here have no cache.\n';
}

import type { Context } from '@cachelane/core';
import { chooseRemote, noRemoteText, type RemoteChoice } from '../../remotes/choose-remote.ts';
import { defineCommand, jsonOption, projectOptions, type Command } from '../../host/command.ts';
import { contextJson } from '../../context/context-json.ts';
import { projectOf } from '../../context/find-volume.ts';
import { followedBy } from '../../base/followed-by.ts';
import { formatFields, formatTable } from '../../base/format.ts';
import { printJson } from '../../host/print.ts';
import { parseRemoteFlags, remoteOptions } from '../../remotes/remote-flags.ts';
import { chainText } from '../../reporters/words.ts';
import { settledParentsHere } from '../../context/settled-parents.ts';
import { warn } from '../../host/warn.ts';

export const contextCommand: Command = defineCommand({
  name: 'context',
  summary: 'show namespace, lane and remote here, with their sources',
  examples: ['cachelane context', 'cachelane context --json'],
  options: { ...projectOptions, ...remoteOptions, ...jsonOption },
  operands: [],
  async run({ options }, host) {
    const { context, warnings } = await settledParentsHere(host, await projectOf(host, options));
    for (const warning of warnings) warn(host, warning);
    const choice = await chooseRemote(host, await parseRemoteFlags(host, options));
    for (const { error, consequence } of choice.problems) {
      warn(host, followedBy(error.message, consequence));
    }
    if (options.json) printJson(host, { ...contextJson(context), ...remoteJson(choice) });
    else host.stdout.write(text(context, choice));
    return 0;
  },
});

function remoteJson({ address, source, pushMode, pushSource }: RemoteChoice): object {
  return { remote: { address, source }, push: { mode: pushMode, source: pushSource } };
}

function text(
  { endpoint, namespace, lane, trust, readChain, canWrite, why, inputs }: Context,
  choice: RemoteChoice,
): string {
  const fields = formatFields([
    ['endpoint', endpoint],
    ['namespace', namespace],
    ['lane', `${lane} (level ${trust})`],
    ['reads', chainText(readChain, namespace)],
    ['may save', `${canWrite ? 'yes' : 'no'}: ${why}`],
    ['remote', choice.address === null ? noRemoteText(choice) : `${choice.address} (${choice.source})`],
    ...(choice.address === null ? [] : [['pushes', `${choice.pushMode} (${choice.pushSource})`] as const]),
  ]);
  const table = formatTable(
    [{ title: 'INPUT' }, { title: 'VALUE' }, { title: 'SOURCE' }],
    inputs.map(({ name, value, source }) => [name, value, source]),
  );
  return `${fields}\n${table}`;
}

import { granteeText, parseNamespace, type Namespace } from '@cachelane/core';
import { listGrants, type GrantsOfNamespace, type ListedGrant } from '@cachelane/engine';
import { defineCommand, jsonOption, projectOptions, type Command } from '../../host/command.ts';
import { projectOf } from '../../context/find-volume.ts';
import { formatTable, formatTime } from '../../base/format.ts';
import { printJson } from '../../host/print.ts';
import { grantJson } from './shared-volume.ts';
import { readStore } from '../../home/store.ts';

export const grantLs: Command = defineCommand({
  name: 'grant ls',
  summary: 'list the grants that a namespace gave and received',
  examples: ['cachelane grant ls', 'cachelane grant ls github.com/acme/web'],
  options: { directory: projectOptions.directory, ...jsonOption },
  operands: [{ name: 'NAMESPACE', optional: true, help: "any name of the namespace; default: the project's" }],
  async run({ options, operands }, host) {
    const namespace =
      operands.NAMESPACE === undefined
        ? (await projectOf(host, { directory: options.directory, namespace: undefined })).context.namespace
        : parseNamespace(operands.NAMESPACE, 'NAMESPACE');
    return await readStore(host, async ({ metadata, signal }) => {
      const grants = await listGrants(metadata, namespace, signal);
      if (options.json) printJson(host, toJson(namespace, grants));
      else host.stdout.write(text(namespace, grants));
      return 0;
    });
  },
});

function toJson(namespace: Namespace, { given, received }: GrantsOfNamespace): unknown {
  return { namespace, given: given.map(grantJson), received: received.map(grantJson) };
}

function text(namespace: Namespace, { given, received }: GrantsOfNamespace): string {
  const to = given.map((grant) => [volumeText(grant), granteeText(grant.to), ...rest(grant)]);
  const from = received.map((grant) => [`${grant.owner}:${volumeText(grant)}`, granteeText(grant.to), ...rest(grant)]);
  const shares = to.length === 0 ? `${namespace} shares nothing.\n` : table('SHARES', to);
  return from.length === 0 ? shares : `${shares}\n${table('IS GRANTED', from)}`;
}

function volumeText({ volume }: ListedGrant): string {
  return volume ?? '(all)';
}

function rest({ access, trust, atMs, by }: ListedGrant): readonly string[] {
  return [access === 'read' ? 'read' : `write (${trust})`, formatTime(atMs), by];
}

function table(title: string, rows: readonly (readonly string[])[]): string {
  return formatTable([{ title }, { title: 'TO' }, { title: 'MAY' }, { title: 'SINCE' }, { title: 'BY' }], rows);
}

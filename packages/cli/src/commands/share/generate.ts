import { exitCodes } from '../../base/exit-codes.ts';
import { defineCommand, jsonOption, projectOptions, type Command } from '../../host/command.ts';
import { projectOf } from '../../context/find-volume.ts';
import { generatedClient, type GeneratedClient } from '../../catalogs/generated-client.ts';
import { printable } from '../../base/format.ts';
import { printJson } from '../../host/print.ts';
import { writeBeside } from '../../context/project-lock.ts';

export const generate: Command = defineCommand({
  name: 'generate',
  summary: 'write a TypeScript client of the locked catalogs',
  examples: ['cachelane generate', 'cachelane generate --check'],
  details: [
    'Writes cachelane.generated.ts beside cachelane.lock, without an engine or the network: the same lock gives the same file. The client has a documented method for each locked definition, client.myOrg().pipCache(), and imports @cachelane/sdk; Node runs it directly. Code that uses removed or replaced definitions does not compile; the compiler shows the reason.',
    'With --check, writes nothing and exits with 1 and the first difference if the file is not up to date, for CI.',
  ],
  options: {
    directory: projectOptions.directory,
    output: { short: 'o', value: 'FILE', help: 'write this file instead' },
    check: { help: 'only check whether the file is up to date' },
    ...jsonOption,
  },
  operands: [],
  async run({ options: { directory, output, check, json } }, host) {
    const client = generatedClient(await projectOf(host, { directory, namespace: undefined }), output);
    if (!check && client.state !== 'current') writeBeside(client.path, client.text);
    const { path, state, difference, catalogs } = client;
    if (json) printJson(host, { file: path, state, difference, catalogs, isWritten: !check && state !== 'current' });
    else (check && state !== 'current' ? host.stderr : host.stdout).write(text(client, check));
    return check && state !== 'current' ? exitCodes.failure : exitCodes.ok;
  },
});

function text({ path, state, difference, catalogs }: GeneratedClient, isCheck: boolean): string {
  const count = `${catalogs} ${catalogs === 1 ? 'catalog' : 'catalogs'}`;
  if (state === 'current') return `${path} is up to date: ${count}\n`;
  if (!isCheck) return `wrote ${path}: ${count}\n`;
  const why = state === 'missing' ? 'does not exist' : 'is out of date';
  const told = `cachelane: ${path} ${why}: run cachelane generate and commit the file\n`;
  if (difference === null) return told;
  const { line, has, wanted } = difference;
  return `${told}  line ${line} ${shown('is', has)}, and ${shown('would be', wanted)}\n`;
}

function shown(verb: string, line: string | null): string {
  return line === null ? `${verb} not there` : `${verb} ${printable(JSON.stringify(line.slice(0, 120)))}`;
}

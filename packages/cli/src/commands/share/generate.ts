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
    'Writes cachelane.generated.ts beside cachelane.lock, out of that alone: no engine and no network is asked, and the same lock gives the same file. It has a documented method for each volume that a locked catalog offers, client.myOrg().pipCache(), and imports @cachelane/sdk; Node runs it as it is. What a later version of a catalog removed, or made another volume, does not compile, with the reason.',
    'With --check nothing is written, and the exit code is 1 where the file is not what the lock gives, with the first line that differs: for CI.',
  ],
  options: {
    directory: projectOptions.directory,
    output: { short: 'o', value: 'FILE', help: 'write this file instead' },
    check: { help: 'only say whether the file is what the lock gives' },
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
  if (state === 'current') return `${path} is what the lock gives: ${count}\n`;
  if (!isCheck) return `wrote ${path}: ${count}\n`;
  const why = state === 'missing' ? 'is not there' : 'is not what the lock gives';
  const told = `cachelane: ${path} ${why}: run cachelane generate, and commit what it writes\n`;
  if (difference === null) return told;
  const { line, has, wanted } = difference;
  return `${told}  line ${line} ${shown('is', has)}, and ${shown('would be', wanted)}\n`;
}

function shown(verb: string, line: string | null): string {
  return line === null ? `${verb} not there` : `${verb} ${printable(JSON.stringify(line.slice(0, 120)))}`;
}

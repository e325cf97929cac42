import { CachelaneError, didYouMean } from '@cachelane/core';
import { parseLine, type CommandSpec } from '../base/args.ts';
import {
  commandGroups,
  commandList,
  findCommand,
  groupOf,
  type CommandEntry,
  type FoundCommand,
} from './command-list.ts';
import { errorText } from '../base/error-text.ts';
import { exitCodeOf, exitCodes, type Verb } from '../base/exit-codes.ts';
import type { Host } from '../host/host.ts';

/** Runs one command line and returns the exit code. Never throws. */
export async function main(argv: readonly string[], host: Host): Promise<number> {
  try {
    return await dispatch(argv, host);
  } catch (error) {
    host.stderr.write(errorText(error));
    return exitCodeOf(error, verbOf(argv));
  }
}

/** Returns `run` for commands that exit with another command's code. */
function verbOf([first, ...rest]: readonly string[]): Verb {
  return first === 'run' || first === 'shell' || (first === 'serve' && rest.includes('--')) ? 'run' : 'other';
}

async function dispatch(argv: readonly string[], host: Host): Promise<number> {
  const [first, second] = argv;
  if (first === undefined) {
    host.stderr.write(await overview());
    return exitCodes.usage;
  }
  if (first === '--help' || first === '-h') return await showHelp([], host);
  if (first === 'help') return await showHelp(argv.slice(1), host);
  const found = findCommand(argv);
  if (found === undefined) {
    const isHelp = second === '--help' || second === '-h';
    if (isHelp && groupOf(first).length > 0) return await showHelp([first], host);
    throw unknownCommand(argv);
  }
  return await runCommand(found, host);
}

async function runCommand({ entry, rest }: FoundCommand, host: Host): Promise<number> {
  const command = await entry.load();
  const line = parseLine(command.spec, rest);
  if (line === 'help') return await showHelp(entry.name.split(' '), host);
  return await command.run(line, host);
}

async function showHelp(words: readonly string[], host: Host): Promise<number> {
  const [first] = words;
  const found = findCommand(words);
  if (first === undefined) host.stdout.write(await overview());
  else if (found !== undefined) {
    const { commandHelp } = await import('../base/help-text.ts');
    host.stdout.write(commandHelp((await found.entry.load()).spec));
  } else if (words.length === 1 && groupOf(first).length > 0) host.stdout.write(await groupOverview(first));
  else throw unknownCommand(words);
  return exitCodes.ok;
}

async function overview(): Promise<string> {
  const { overviewHelp } = await import('../base/help-text.ts');
  const groups = commandGroups.map(async ({ title, common, rare }) => ({
    title,
    common: await specsOf(common),
    rare: rare.map(({ name }) => name),
  }));
  return overviewHelp(await Promise.all(groups));
}

async function groupOverview(word: string): Promise<string> {
  const { groupHelp } = await import('../base/help-text.ts');
  return groupHelp(word, await specsOf(groupOf(word)));
}

async function specsOf(entries: readonly CommandEntry[]): Promise<readonly CommandSpec[]> {
  return await Promise.all(entries.map(async (entry) => (await entry.load()).spec));
}

function unknownCommand(words: readonly string[]): CachelaneError {
  const [first = '', second] = words;
  const group = groupOf(first);
  if (group.length > 0) {
    const names = group.map(({ name }) => name);
    const problem =
      second === undefined ? `${first} needs one more word` : `unknown command ${JSON.stringify(`${first} ${second}`)}`;
    const guess = second === undefined ? '' : didYouMean(`${first} ${second}`, names);
    return new CachelaneError('E_USAGE', problem + guess, { hint: `commands: ${names.join(', ')}` });
  }
  if (first.startsWith('-')) {
    return new CachelaneError('E_USAGE', `unknown option ${first}`, {
      hint: 'options follow the command, see: cachelane help',
    });
  }
  const names = ['help', ...commandList.flatMap(({ name }) => [name, name.split(' ')[0] ?? name])];
  const guess = didYouMean(first, names);
  // The user probably forgot the verb. The rest of the line may hold secrets.
  const hint = guess === '' ? `to run a command with its caches: cachelane run -- ${first} …` : 'see: cachelane help';
  return new CachelaneError('E_USAGE', `unknown command ${JSON.stringify(first)}${guess}`, { hint });
}

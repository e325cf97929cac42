import { isCachelaneError } from '@cachelane/core';
import { describe, expect, test } from 'vitest';
import { parseLine, type CommandSpec } from './args.ts';
import { commandHelp } from './help-text.ts';

const options = {
  directory: { short: 'C', value: 'DIR', help: 'start there' },
  volume: { short: 'v', value: 'VOLUME', many: true, help: 'a volume' },
  mode: { value: 'MODE', choices: ['read', 'write'], help: 'what it may do' },
  strict: { help: 'fail' },
  quiet: { short: 'q', help: 'less' },
} as const;

const run = {
  name: 'run',
  summary: 'run a command',
  examples: ['cachelane run make'],
  options,
  operands: [],
  takesCommand: true,
} as const;
const show = {
  name: 'show',
  summary: 'show a volume',
  examples: ['cachelane show npm'],
  options,
  operands: [
    { name: 'VOLUME', help: 'which' },
    { name: 'LANE', optional: true, help: 'where' },
  ],
} as const;

function problem(spec: CommandSpec, ...argv: string[]): string {
  try {
    parseLine(spec, argv);
  } catch (error) {
    if (isCachelaneError(error, 'E_USAGE')) return error.message;
    throw error;
  }
  return 'no problem';
}

function parsed(...argv: string[]) {
  const line = parseLine(run, argv);
  if (line === 'help') throw new Error('help');
  return line;
}

describe('a command line that takes a command', () => {
  test('options end at the first other word', () => {
    const line = parsed('-v', 'npm', '--strict', 'npm', 'ci', '--strict', '-v', 'x');
    expect(line.options.volume).toEqual(['npm']);
    expect(line.options.strict).toBe(true);
    expect(line.command).toEqual(['npm', 'ci', '--strict', '-v', 'x']);
  });

  test('-- ends them too, and is not part of the command', () => {
    expect(parsed('--', '-x', '--', 'y').command).toEqual(['-x', '--', 'y']);
    expect(parsed('--quiet', '--', 'make').command).toEqual(['make']);
  });

  test('a lone dash is a word', () => {
    expect(parsed('-', 'x').command).toEqual(['-', 'x']);
  });

  test('the spellings of a value', () => {
    expect(parsed('--volume=a', '--volume', 'b', '-v', 'c', '-vd', 'x').options.volume).toEqual(['a', 'b', 'c', 'd']);
    expect(parsed('-qC', 'sub', 'x').options.directory).toBe('sub');
    expect(parsed('--directory=-odd', 'x').options.directory).toBe('-odd');
  });

  test('the last value of a single option wins', () => {
    expect(parsed('--mode=read', '--mode', 'write', 'x').options.mode).toBe('write');
  });

  test('absent options', () => {
    expect(parsed('x').options).toMatchObject({ directory: undefined, volume: [], mode: undefined, strict: false });
  });

  test('no command', () => {
    expect(problem(run)).toBe('no command to run was given');
    expect(problem(run, '-q', '--')).toBe('no command to run was given');
  });

  test('help options count only before the command', () => {
    expect(parseLine(run, ['-h'])).toBe('help');
    expect(parseLine(run, ['--quiet', '--help', 'x'])).toBe('help');
    expect(parsed('x', '--help').command).toEqual(['x', '--help']);
  });
});

describe('wrong lines are refused with a suggestion', () => {
  test.each([
    [['--volme', 'npm', 'x'], 'unknown option --volme; did you mean --volume?'],
    [['--constructor', 'x'], 'unknown option --constructor'],
    [['-x', 'y'], 'unknown option -x'],
    [['-v', '--', 'x'], '-v needs a value: -v VOLUME'],
    [['-v'], '-v needs a value: -v VOLUME'],
    [['--volume=', 'x'], '--volume needs a value: --volume VOLUME'],
    [['--strict=no', 'x'], '--strict takes no value'],
    [['--mode', 'reed', 'x'], '--mode must be one of read, write, not "reed"; did you mean read?'],
  ])('%j', (argv, message) => {
    expect(problem(run, ...argv)).toBe(message);
  });

  test('a negative number is a value that the command checks', () => {
    expect(parsed('-v', '-1', 'x').options.volume).toEqual(['-1']);
    expect(problem(run, '--mode', '-1', 'x')).toBe('--mode must be one of read, write, not "-1"');
  });

  test('operands', () => {
    expect(problem(show)).toBe('VOLUME is missing');
    expect(problem(show, 'a', 'b', 'c')).toBe('unexpected argument "c"');
    const line = parseLine(show, ['a', '--quiet']);
    expect(line).toMatchObject({ operands: { VOLUME: 'a', LANE: undefined }, options: { quiet: true } });
  });
});

test('help derives from the same table', () => {
  expect(commandHelp(show)).toMatchInlineSnapshot(`
    "Show a volume.

    Examples:
      cachelane show npm

    Usage: cachelane show [OPTION]... VOLUME [LANE]

      VOLUME               which
      LANE                 where
      -C, --directory DIR  start there
      -v, --volume VOLUME  a volume
          --mode MODE      what it may do: read, write
          --strict         fail
      -q, --quiet          less
      -h, --help           show this help
    "
  `);
});

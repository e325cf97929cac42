import { parseArgs } from 'node:util';
import { CachelaneError, didYouMean } from '@cachelane/core';

/** One option of a command. Parsing, checks and help derive from it. The key in the table is its long name. */
interface OptionSpec {
  readonly short?: string;
  /** Placeholder of the value in help. Without it, the option is a flag. */
  readonly value?: string;
  /** Whether it may be given several times. Otherwise the last one wins. */
  readonly many?: true;
  readonly choices?: readonly string[];
  /** Shown in the usage line. The command itself reports that it is missing. */
  readonly required?: true;
  readonly help: string;
}

export interface OperandSpec {
  /** As shown in help: `VOLUME`. */
  readonly name: string;
  readonly optional?: true;
  /** On the last operand: takes all remaining words. */
  readonly many?: true;
  readonly help: string;
}

export type OptionTable = Readonly<Record<string, OptionSpec>>;

export interface CommandSpec<
  O extends OptionTable = OptionTable,
  P extends readonly OperandSpec[] = readonly OperandSpec[],
> {
  /** One or two words: `run`, `ns ls`. */
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** One to three command lines. */
  readonly examples: readonly string[];
  /** Paragraphs of the command's own help. */
  readonly details?: readonly string[];
  readonly options: O;
  readonly operands: P;
  /** The words from the first operand on are a command to run. */
  readonly takesCommand?: true | 'optional';
}

type OptionValue<S extends OptionSpec> = S extends { readonly value: string }
  ? S extends { readonly many: true }
    ? readonly string[]
    : (S extends { readonly choices: readonly (infer C extends string)[] } ? C : string) | undefined
  : boolean;

type OperandValue<S extends OperandSpec> = S extends { readonly many: true }
  ? readonly string[]
  : S extends { readonly optional: true }
    ? string | undefined
    : string;

/** The checked arguments. */
export interface Arguments<O extends OptionTable, P extends readonly OperandSpec[]> {
  readonly options: { readonly [K in keyof O]: OptionValue<O[K]> };
  readonly operands: { readonly [S in P[number] as S['name']]: OperandValue<S> };
  /** The command to run, if this command takes one. */
  readonly command: readonly string[];
}

export type ParsedLine<O extends OptionTable, P extends readonly OperandSpec[]> = 'help' | Arguments<O, P>;

const helpOption: OptionSpec = { short: 'h', help: 'show this help' };

/** Returns the command's options and the common ones, in the order of help. */
export function allOptions(spec: CommandSpec): OptionTable {
  return { ...spec.options, help: helpOption };
}

/** Throws E_USAGE. */
export function parseLine<const O extends OptionTable, const P extends readonly OperandSpec[]>(
  spec: CommandSpec<O, P>,
  argv: readonly string[],
): ParsedLine<O, P> {
  const options = allOptions(spec);
  const scanned = scan(spec, options, argv);
  if (scanned === 'help') return 'help';
  checkOperands(spec, scanned.operands);
  if (spec.takesCommand === true && scanned.command.length === 0) throw usage(spec, 'no command to run was given');
  const operands = Object.fromEntries(
    spec.operands.map(({ name, many }, index) => [
      name,
      many === true ? scanned.operands.slice(index) : scanned.operands[index],
    ]),
  );
  return { options: scanned.values, operands, command: scanned.command } as Arguments<O, P>;
}

interface Scanned {
  readonly values: Record<string, boolean | string | string[] | undefined>;
  readonly operands: readonly string[];
  readonly command: readonly string[];
}

function scan(spec: CommandSpec, options: OptionTable, argv: readonly string[]): Scanned | 'help' {
  const { tokens } = parseArgs({ args: [...argv], options: optionsForNode(options), strict: false, tokens: true });
  const values: Scanned['values'] = {};
  for (const [name, option] of Object.entries(options)) {
    values[name] = option.value === undefined ? false : option.many === true ? [] : undefined;
  }
  const operands: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'option') {
      const option = optionOf(spec, options, token.name, token.rawName);
      if (token.name === 'help') return 'help';
      const value = option.value === undefined ? flag(spec, token) : valueOf(spec, option, token);
      const before = values[token.name];
      values[token.name] = Array.isArray(before) ? [...before, String(value)] : value;
    } else if (spec.takesCommand !== undefined) {
      return { values, operands, command: argv.slice(token.kind === 'positional' ? token.index : token.index + 1) };
    } else if (token.kind === 'positional') {
      operands.push(token.value);
    }
  }
  return { values, operands, command: [] };
}

function optionsForNode(options: OptionTable): NonNullable<Parameters<typeof parseArgs>[0]>['options'] {
  return Object.fromEntries(
    Object.entries(options).map(([name, option]) => [
      name,
      {
        type: option.value === undefined ? ('boolean' as const) : ('string' as const),
        ...(option.short === undefined ? {} : { short: option.short }),
      },
    ]),
  );
}

interface OptionToken {
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

function optionOf(spec: CommandSpec, options: OptionTable, name: string, rawName: string): OptionSpec {
  const option = Object.hasOwn(options, name) ? options[name] : undefined;
  if (option !== undefined) return option;
  const long = Object.keys(options).map((known) => `--${known}`);
  throw usage(spec, `unknown option ${rawName}${rawName.startsWith('--') ? didYouMean(rawName, long) : ''}`);
}

function flag(spec: CommandSpec, token: OptionToken): boolean {
  if (token.value !== undefined) throw usage(spec, `${token.rawName} takes no value`);
  return true;
}

function valueOf(spec: CommandSpec, option: OptionSpec, token: OptionToken): string {
  const { value, rawName } = token;
  // `-v --strict` is a forgotten value; `--volume=-x` passes a value with a dash. No option is a digit.
  const forgotten = value === undefined || (token.inlineValue !== true && /^-[^\d]/.test(value));
  if (forgotten || value === '') throw usage(spec, `${rawName} needs a value: ${rawName} ${option.value ?? ''}`);
  if (option.choices !== undefined && !option.choices.includes(value)) {
    const guess = didYouMean(value, option.choices);
    throw usage(spec, `${rawName} must be one of ${option.choices.join(', ')}, not ${JSON.stringify(value)}${guess}`);
  }
  return value;
}

function checkOperands(spec: CommandSpec, given: readonly string[]): void {
  const required = spec.operands.filter((operand) => operand.optional !== true);
  const missing = required[given.length];
  if (missing !== undefined) throw usage(spec, `${missing.name} is missing`);
  const extra = spec.operands.at(-1)?.many === true ? undefined : given[spec.operands.length];
  if (extra !== undefined) throw usage(spec, `unexpected argument ${JSON.stringify(extra)}`);
}

function usage(spec: CommandSpec, problem: string): CachelaneError {
  return new CachelaneError('E_USAGE', problem, { hint: `see: cachelane help ${spec.name}` });
}

import type { Arguments, CommandSpec, OperandSpec, OptionTable } from '../base/args.ts';
import type { Host } from './host.ts';

/** A command without its option types, for the list of commands. */
export interface Command {
  readonly spec: CommandSpec;
  /** Returns the exit code. `args` is the result of `parseLine` for `spec`. */
  run(args: Arguments<OptionTable, readonly OperandSpec[]>, host: Host): Promise<number>;
}

export interface CommandDefinition<O extends OptionTable, P extends readonly OperandSpec[]> extends CommandSpec<O, P> {
  run(args: Arguments<O, P>, host: Host): Promise<number>;
}

/** Combines a command's table with its code; `run` gets typed options. */
export function defineCommand<const O extends OptionTable, const P extends readonly OperandSpec[]>(
  definition: CommandDefinition<O, P>,
): Command {
  return {
    spec: definition,
    run: async (args, host) => await definition.run(args as unknown as Arguments<O, P>, host),
  };
}

/** Options of every command that looks at a project. */
export const projectOptions = {
  directory: { short: 'C', value: 'DIR', help: 'act as if started in DIR; relative paths begin there' },
  namespace: { short: 'n', value: 'NAMESPACE', help: "use this namespace instead of the project's" },
} as const;

/** For commands that take volumes like a run. */
export const providerOption = {
  provider: {
    value: 'NAME=REFERENCE',
    many: true,
    help: 'source of the volume NAME: project:, dir:/path, host:, docker-volume:NAME, oci:IMAGE, none: or another kind',
  },
} as const;

export const jsonOption = { json: { help: 'print JSON' } } as const;

import type { Arguments, CommandSpec, OperandSpec, OptionTable } from '../base/args.ts';
import type { Host } from './host.ts';

/** A command with its types erased, as the list of commands holds it. */
export interface Command {
  readonly spec: CommandSpec;
  /** Returns the exit code. `args` is what `parseLine` made of `spec`. */
  run(args: Arguments<OptionTable, readonly OperandSpec[]>, host: Host): Promise<number>;
}

export interface CommandDefinition<O extends OptionTable, P extends readonly OperandSpec[]> extends CommandSpec<O, P> {
  run(args: Arguments<O, P>, host: Host): Promise<number>;
}

/** Ties a command's table to its code: inside `run` the options have the types that the table gives them. */
export function defineCommand<const O extends OptionTable, const P extends readonly OperandSpec[]>(
  definition: CommandDefinition<O, P>,
): Command {
  return {
    spec: definition,
    run: async (args, host) => await definition.run(args as unknown as Arguments<O, P>, host),
  };
}

/** Options that every command which looks at a project has. */
export const projectOptions = {
  directory: { short: 'C', value: 'DIR', help: 'act as if started in DIR; relative paths begin there' },
  namespace: { short: 'n', value: 'NAMESPACE', help: "use this namespace instead of the project's" },
} as const;

/** Of commands that take volumes as a run would have them. */
export const providerOption = {
  provider: {
    value: 'NAME=REFERENCE',
    many: true,
    help: 'what the volume NAME is made of here: project:, dir:/path, host:, docker-volume:NAME, oci:IMAGE, none: or another kind',
  },
} as const;

export const jsonOption = { json: { help: 'print JSON' } } as const;

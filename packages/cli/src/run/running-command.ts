import { limits, mounterNames, parseNamespace } from '@cachelane/core';
import { cacheModes } from '@cachelane/engine';
import type { CommandSpec } from '../base/args.ts';
import { defineCommand, projectOptions, providerOption, type Command } from '../host/command.ts';
import type { Host } from '../host/host.ts';
import { parseRemoteFlags, syncOptions } from '../remotes/remote-flags.ts';
import { reporterNames } from '../reporters/choose.ts';
import { parseCommit, parseSeconds, parseSharing, requireSuitable } from '../base/choice-argument.ts';
import { parseProviderFlags } from '../providers/provider-wishes.ts';
import { parseVolumeArgument } from '../base/volume-argument.ts';
import type { RunOptions } from './run-options.ts';

/** Options that `run` and `shell` share. */
const options = {
  ...projectOptions,
  volume: {
    short: 'v',
    value: 'VOLUME',
    many: true,
    help: 'attach this volume: NAME, NAME:PATH, NAMESPACE:NAME; can be repeated',
  },
  commit: {
    value: 'WHEN',
    many: true,
    help: 'when to save changes: exit, success, always or never for all volumes, or NAME=WHEN for one; the default depends on the tool',
  },
  mode: { value: 'MODE', choices: cacheModes, help: 'what the run may do with its volumes' },
  mounter: {
    value: 'NAME',
    choices: mounterNames,
    help: 'how to attach volumes; the default depends on machine and tool',
  },
  sharing: {
    value: 'MODE',
    many: true,
    help: 'who may use a volume at once: PRIVATE, SHARED or LOCKED for all, or NAME=MODE for one',
  },
  ...providerOption,
  'lock-timeout': {
    value: 'SECONDS',
    help: `how long to wait for a run that has a LOCKED volume; default: ${limits.lockWaitMs / 1000}`,
  },
  ...syncOptions,
  report: { value: 'FILE', help: 'write the results of each volume to FILE, as JSON' },
  reporter: { value: 'NAME', choices: reporterNames, help: 'how to report on stderr' },
  quiet: { short: 'q', help: 'report warnings only' },
  verbose: { help: 'also report the lane, what it reads, and how each volume was attached' },
  strict: { help: 'exit with 125 instead of running without a cache' },
  'leave-processes': { help: 'leave processes that outlive the command running, and save what is there' },
} as const;

export interface RunningCommand extends Pick<CommandSpec, 'name' | 'summary' | 'examples' | 'details'> {
  readonly takesCommand: true | 'optional';
  /** Returns the command to run for `argv`. */
  readonly commandOf: (argv: readonly string[], host: Host) => Pick<RunOptions, 'argv' | 'isShell'>;
}

/** Returns a command that runs another one with its volumes. */
export function runningCommand({ commandOf, ...spec }: RunningCommand): Command {
  return defineCommand({
    ...spec,
    options,
    operands: [],
    async run({ options, command }, host) {
      const { namespace } = options;
      const sharing = parseSharing(options.sharing);
      requireSuitable(sharing, options.mounter ?? null);
      const { runFlow } = await import('./run-flow.ts');
      return await runFlow(
        {
          directory: options.directory,
          namespace: namespace === undefined ? undefined : parseNamespace(namespace, '--namespace'),
          volumes: options.volume.map(parseVolumeArgument),
          commit: parseCommit(options.commit),
          mode: options.mode ?? 'write',
          mounter: options.mounter ?? null,
          sharing,
          providers: parseProviderFlags(options.provider),
          lockWaitMs: parseSeconds('--lock-timeout', options['lock-timeout']) ?? limits.lockWaitMs,
          remote: await parseRemoteFlags(host, options),
          report: options.report,
          reporter: options.reporter ?? 'auto',
          quiet: options.quiet,
          verbose: options.verbose,
          strict: options.strict,
          leaveProcesses: options['leave-processes'],
          ...commandOf(command, host),
        },
        host,
      );
    },
  });
}

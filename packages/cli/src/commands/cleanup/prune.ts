import { CachelaneError, limits, parseNamespace, type EngineEvent } from '@cachelane/core';
import {
  pruneCommand,
  pruneVolume,
  requireNoOthers,
  requireWritable,
  type PlannedVolume,
  type Pruned,
  type ListedHead,
} from '@cachelane/engine';
import { defineCommand, jsonOption, projectOptions, providerOption, type Command } from '../../host/command.ts';
import { heldBy } from '../../explain/explain-volume.ts';
import { followedBy } from '../../base/followed-by.ts';
import { formatBytes, plural } from '../../base/format.ts';
import type { Host } from '../../host/host.ts';
import { openChosenRemote } from '../../remotes/open-chosen-remote.ts';
import { printJson } from '../../host/print.ts';
import { openProject, toolEnvironmentOf, type OpenProject } from '../../context/project.ts';
import { parseProviderFlags, type ProviderFlags } from '../../providers/provider-wishes.ts';
import { parseRemoteFlags, syncOptions, type RemoteFlags } from '../../remotes/remote-flags.ts';
import { commandEnv } from '../../run/bare.ts';
import { runOnce } from '../../run/once.ts';
import type { CommandPhase } from '../../run/command-phase.ts';
import { watchSignals } from '../../run/signals.ts';
import { oneVolume } from '../../volumes/one-volume.ts';
import { pushLater } from '../../remotes/push-later.ts';
import { homeOf, openStore, readStore } from '../../home/store.ts';
import { settledParentsHere } from '../../context/settled-parents.ts';
import { whereToRun, type WhereToRun } from '../../host/working-directory.ts';
import { warn } from '../../host/warn.ts';

export const prune: Command = defineCommand({
  name: 'prune',
  summary: "run a tool's own clean-up and save what it removed",
  examples: ['cachelane prune npm --dry-run', 'cachelane prune npm'],
  details: [
    'Runs the command that cachelane tools show names (npm cache verify, ccache --cleanup, …) with the volume mounted, on the lane that a run here would write, with your own size limits for the tool. Files that it removes are gone for later runs, even where removals of ordinary runs do not count. Files that other runs save at the same time stay. If the command fails, nothing changes. A lane that reads other lanes is refused (a pull request reads its base): prune those lanes instead.',
    'Readers see fewer files at once, but the disk does not shrink yet: history keeps the layers below, so that a single run can be revoked. To free space, use cachelane rm and cachelane gc.',
    'For a tool without such a command, the reason is shown. Output of the command goes to stderr.',
  ],
  options: {
    ...projectOptions,
    ...syncOptions,
    ...providerOption,
    'dry-run': { help: 'show the command without running it' },
    ...jsonOption,
  },
  operands: [{ name: 'VOLUME', help: 'as after run -v: NAME, NAME:PATH, NAMESPACE:NAME' }],
  async run({ options, operands }, host) {
    const { namespace } = options;
    const where = whereToRun(host, options.directory);
    const flags = await parseRemoteFlags(host, options);
    const opened = await openProject(host, {
      where,
      namespace: namespace === undefined ? undefined : parseNamespace(namespace, '--namespace'),
    });
    const project = await settledParentsHere(host, opened);
    const target = await targetOf(host, project, operands.VOLUME, parseProviderFlags(options.provider));
    if (options['dry-run']) {
      if (options.json) printJson(host, { dryRun: true, ...identityOf(target), removes: target.removes });
      else host.stdout.write(intention(target));
      return 0;
    }
    const pruned = await pruneNow(host, { project, where, target, flags });
    if (options.json) printJson(host, { dryRun: false, ...identityOf(target), ...resultOf(pruned) });
    else host.stdout.write(outcomeText(target, pruned));
    return 0;
  },
});

interface Target {
  readonly planned: PlannedVolume;
  readonly argv: readonly string[];
  readonly removes: string;
  readonly held: ListedHead;
}

/** Errors: E_USAGE if nothing may be written, other lanes are read or the tool has no command, E_NOT_FOUND if the lane is empty. */
async function targetOf(host: Host, project: OpenProject, text: string, flags: ProviderFlags): Promise<Target> {
  requireWritable(project.context);
  const { planned } = await oneVolume(host, project, { text, flags });
  const { argv, removes } = pruneCommand(planned.tool);
  const chain = await readStore(host, async (store) => await heldBy(store, planned));
  const held = chain[0]?.held ?? null;
  const { namespace, lane } = planned.own;
  if (held !== null) {
    const others = chain.filter(({ held: other }) => other !== null && other.head.layers.length > 0);
    requireNoOthers(
      planned.request.name,
      planned.own,
      others.map(({ link }) => link),
    );
    return { planned, argv, removes, held };
  }
  throw new CachelaneError('E_NOT_FOUND', `${namespace}:${planned.request.name} is empty in lane ${lane}`, {
    hint: 'see: cachelane ls',
  });
}

interface Place {
  readonly project: OpenProject;
  readonly where: WhereToRun;
  readonly target: Target;
  readonly flags: RemoteFlags;
}

async function pruneNow(host: Host, { project, where, target, flags }: Place): Promise<Pruned> {
  const phase: CommandPhase = { state: 'not-started' };
  using watch = watchSignals(host.signals, phase);
  const once = runOnce(await host.pieces.openRuntime(), { phase, abort: watch.abort, isShell: false });
  await using shared = await openChosenRemote(host, {
    flags,
    strict: false,
    warn: ({ error: { message }, consequence }) => warn(host, followedBy(message, consequence)),
  });
  await using store = await openStore(host, watch.abort);
  const tools = await host.pieces.loadTools();
  const pruned = await pruneVolume(
    { ...store, remote: shared.remote, runtime: once.runtime, tools, events: (event) => tell(host, event) },
    {
      context: project.context,
      volume: target.planned.request,
      directory: project.directory,
      environment: toolEnvironmentOf(host, project),
      // stdout is for our own report.
      argv: ['sh', '-c', 'exec "$0" "$@" >&2', ...target.argv],
      cwd: where.dir,
      env: commandEnv(host, where, project.context),
      mounter: null,
      lockWaitMs: limits.lockWaitMs,
      push: shared.pushMode,
      remoteWaitMs: shared.waitMs,
      revision: project.revision,
      workflow: project.workflow,
      signal: watch.abort,
    },
  );
  requireEnded(target, pruned);
  const later = { shared, homeDir: homeOf(host), reports: [pruned.report] };
  await pushLater(host, later, (message) => warn(host, message));
  return pruned;
}

/** Errors: E_ABORTED, E_COMMAND, E_NOT_FOUND for a missing command. */
function requireEnded({ argv }: Target, { outcome, report }: Pruned): void {
  const { exitCode, interrupted } = outcome;
  const nothing = 'nothing was pruned';
  if (interrupted) throw new CachelaneError('E_ABORTED', `${argv.join(' ')} was interrupted: ${nothing}`);
  // The shell's code for a missing command.
  if (exitCode === 127) throw new CachelaneError('E_NOT_FOUND', `${argv[0]} is not on the PATH: ${nothing}`);
  if (exitCode !== 0 || report.skipped !== null) {
    const why = exitCode === 0 ? report.skipped : `exit code ${exitCode}`;
    throw new CachelaneError('E_COMMAND', `${argv.join(' ')}: ${why}: ${nothing}`);
  }
}

function tell(host: Host, event: EngineEvent): void {
  if (event.type === 'warning') warn(host, event.message);
  else if (event.type === 'waiting') host.stderr.write(`cachelane: ${event.message}\n`);
}

function identityOf({ planned, argv }: Target): Readonly<Record<string, unknown>> {
  const { own, request, target } = planned;
  return { namespace: own.namespace, volume: request.name, lane: own.lane, path: target, command: argv };
}

function resultOf({ report }: Pruned): Readonly<Record<string, unknown>> {
  const { removed, added, changed, layer, mounter } = report;
  return { removed, added, changed, layer, mounter };
}

function nameOf({ planned: { own, request } }: Target): string {
  return `${own.namespace}:${request.name} in lane ${own.lane}`;
}

function intention(target: Target): string {
  const { held, argv, planned, removes } = target;
  const size = `${plural(held.head.layers.length, 'layer')}, ${formatBytes(held.sizeBytes)}`;
  return `would run ${argv.join(' ')} with ${nameOf(target)} (${size}) at ${planned.target}: it removes ${removes}\n`;
}

function outcomeText(target: Target, { report }: Pruned): string {
  const { layer, removed, changed, added } = report;
  if (layer === null) return `${nameOf(target)}: ${target.argv.join(' ')} found nothing to remove\n`;
  return `pruned ${nameOf(target)}: ${plural(removed, 'file')} removed, ${changed} changed, ${added} added\n`;
}

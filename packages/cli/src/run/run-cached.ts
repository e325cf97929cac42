import {
  CachelaneError,
  configFileName,
  type EngineEvent,
  type RunReport,
  type Tool,
  type ToolEnvironment,
} from '@cachelane/core';
import { runCommand, type VolumeRequest } from '@cachelane/engine';
import { afterSaving } from '../remotes/after-saving.ts';
import type { Config } from '../config/config-types.ts';
import { lanePolicyOf } from '../config/lane-policy.ts';
import { containerHint, type Place } from '../volumes/container-hint.ts';
import { whyNothing, type DetectionRequest } from '../volumes/detect-lockfiles.ts';
import { followedBy } from '../base/followed-by.ts';
import { openChosenRemote } from '../remotes/open-chosen-remote.ts';
import { openProject, toolEnvironmentOf, type OpenProject } from '../context/project.ts';
import { openProviders } from '../providers/open-providers.ts';
import { providerWishes } from '../providers/provider-wishes.ts';
import { runPolicy } from '../config/run-policy.ts';
import { settledParents } from '../context/settled-parents.ts';
import { homeOf, openStore } from '../home/store.ts';
import { selectStored } from '../volumes/select-stored.ts';
import { plainSelection, type DroppedVolume, type SelectedVolume, type Selection } from '../volumes/volumes.ts';
import type { CommandEnd } from './once.ts';
import { commandEnv, withoutCache } from './bare.ts';
import type { Run } from './run-state.ts';

export type CachedRun =
  | { readonly kind: 'cached'; readonly end: CommandEnd; readonly report: RunReport }
  /** Nothing to cache, or caching is disabled. The command has not run. */
  | { readonly kind: 'bare'; readonly why: string };

/** Runs everything up to and including the engine's run. Fills `run.known` on the way. */
export async function runCached(run: Run): Promise<CachedRun> {
  const { options, host, where, known } = run;
  const project = await openProject(host, { where, namespace: options.namespace });
  known.context = project.context;
  tellAll(run, project.warnings);

  const tools = await host.pieces.loadTools();
  const home = options.mode === 'none' ? null : tryHome(run);
  const storeDir = typeof home === 'string' ? home : null;
  const environment = toolEnvironmentOf(host, project);
  const { config, topDir } = project;
  const providers = await providerWishes(host, { flags: options.providers });
  const plain = plainSelection(project, { tools, environment, storeDir, providers });
  const { volumes: asked, sharing, commit } = options;
  const selection = await selectStored(host, project.context.namespace, { ...plain, asked, sharing, commit });
  known.volumes = [
    ...selection.volumes.map(({ request: { name }, path }) => ({ name, path, leftOut: null })),
    ...selection.dropped.map(({ name, path, message }) => ({ name, path, leftOut: message })),
  ];
  for (const dropped of selection.dropped) leaveOut(run, dropped);
  if (options.mode === 'none') return { kind: 'bare', why: 'mode none' };
  if (selection.volumes.length === 0) {
    if (selection.dropped.length === 0) nothingToCache(run, { config, tools, environment, topDir });
    return { kind: 'bare', why: 'no volumes' };
  }
  // Thrown late, so that a run without a cache can report its volumes.
  if (home === null || typeof home !== 'string') throw home?.problem;
  return await runOpened(run, { project, environment, tools, selection, homeDir: home });
}

function tellAll({ reporter }: Run, warnings: readonly string[]): void {
  for (const message of warnings) reporter.event({ type: 'warning', code: 'E_CONFIG', message, hint: null });
}

interface Prepared {
  readonly project: OpenProject;
  readonly environment: ToolEnvironment;
  readonly tools: readonly Tool[];
  readonly selection: Selection;
  readonly homeDir: string;
}

async function runOpened(run: Run, prepared: Prepared): Promise<CachedRun> {
  const { environment, tools, selection, homeDir } = prepared;
  const { options, host, where, watch, once, reporter, known } = run;
  const hint = containerHint(
    options.argv,
    selection.volumes.map((volume) => placeOf(volume, tools)),
    environment.homeDir,
  );
  if (hint !== null) reporter.event({ type: 'warning', code: 'E_MOUNT', ...hint });
  const volumes = selection.volumes.map(({ request }) => (options.isShell ? inShell(run, request) : request));
  await using shared = await openChosenRemote(host, {
    flags: options.remote,
    strict: options.strict,
    warn: ({ error, consequence }) => {
      const { code, message, hint = null } = error;
      reporter.event({ type: 'warning', code, message: followedBy(message, consequence), hint });
    },
  });
  await using store = await openStore(host, watch.abort, homeDir);
  const project = await settledParents(prepared.project, { metadata: store.metadata, signal: watch.abort });
  known.context = project.context;
  tellAll(run, project.warnings.slice(prepared.project.warnings.length));
  const env = commandEnv(host, where, project.context);
  const { report: saved, outcome } = await runCommand(
    {
      ...store,
      remote: shared.remote,
      runtime: once.runtime,
      tools,
      ...(volumes.some(({ provider }) => provider !== undefined) ? { providers: openProviders(host, homeDir) } : {}),
      policy: await runPolicy(host),
      events: (event) => report(run, event, volumes),
    },
    {
      context: project.context,
      volumes,
      directory: project.directory,
      environment,
      argv: options.argv,
      cwd: where.dir,
      env: options.isShell ? { ...env, CACHELANE_SHELL: project.context.namespace } : env,
      mode: options.mode,
      purpose: 'run',
      mounter: options.mounter,
      lockWaitMs: options.lockWaitMs,
      leaveProcesses: options.leaveProcesses,
      push: shared.pushMode,
      remoteWaitMs: shared.waitMs,
      strict: options.strict,
      revision: project.revision,
      workflow: project.workflow,
      lanePolicy: lanePolicyOf(project.config),
      signal: watch.abort,
    },
  );
  const { trust } = project.context;
  await afterSaving(host, { homeDir, shared, trust, reports: saved.volumes }, (event) => reporter.event(event));
  const left = selection.dropped.map(({ name, path, message }) => withoutCache(name, path, message));
  return { kind: 'cached', end: outcome, report: { ...saved, volumes: [...saved.volumes, ...left] } };
}

function placeOf({ request, path, byProject }: SelectedVolume, tools: readonly Tool[]): Place {
  const moved = byProject ? null : (tools.find(({ name }) => name === request.tool)?.redirect(path) ?? null);
  // The documented spelling is in capitals; some tools get both.
  const variable = Object.keys(moved ?? {}).find((name) => name === name.toUpperCase()) ?? null;
  return { name: request.name, path, variable };
}

/** In a shell, saves volumes that need exit code 0 by default, since its exit code is only that of the last command. */
function inShell({ options }: Run, request: VolumeRequest): VolumeRequest {
  const waits = request.commit === null || request.commit === 'success';
  return waits && options.commit.of(request.name) === null ? { ...request, commit: 'exit' } : request;
}

function report({ options, reporter }: Run, event: EngineEvent, volumes: readonly VolumeRequest[]): void {
  reporter.event(event);
  if (event.type !== 'session-opened' || !options.isShell) return;
  const isNever = volumes.every(({ commit }) => commit === 'never');
  const savesNothing = options.mode === 'read' || isNever || !event.canWrite;
  const condition = volumes.every(({ commit }) => commit === 'success') ? ' with exit code 0' : '';
  const end = savesNothing ? 'what it changes is not saved' : `what it changed is saved when it ends${condition}`;
  const names = event.volumes.map(({ name }) => name).join(', ');
  const message = `${options.argv[0]} with ${names} of ${event.namespace} in place: ${end}`;
  reporter.event({ type: 'notice', message, hint: 'leave it with exit' });
}

function tryHome({ host }: Run): string | { readonly problem: unknown } {
  try {
    return homeOf(host);
  } catch (problem) {
    return { problem };
  }
}

function leaveOut({ options, reporter }: Run, { code, message, hint }: DroppedVolume): void {
  if (options.strict) throw new CachelaneError(code, message, { hint });
  reporter.event({ type: 'warning', code, message, hint });
}

interface Undetected extends DetectionRequest {
  readonly config: Config | null;
}

function nothingToCache({ reporter }: Run, { config, ...request }: Undetected): void {
  const { tools, environment } = request;
  const examples = tools.flatMap(({ name, lockfiles }) => (lockfiles.length > 0 ? [name] : [])).slice(0, 4);
  const isFromFile = config !== null && config.volumes !== null;
  const why = isFromFile
    ? `${configFileName} names no volumes`
    : (whyNothing(request) ?? `found no known lockfile in ${environment.workDir} or above`);
  reporter.event({
    type: 'notice',
    message: `${why}: the command runs without a cache`,
    hint: `name a volume with -v NAME (${examples.join(', ')}, …) or -v NAME:PATH`,
  });
}

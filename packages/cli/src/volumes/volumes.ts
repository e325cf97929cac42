import { readlinkSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import {
  CachelaneError,
  chooseProvider,
  configFileName,
  didYouMean,
  limits,
  parseVolumeName,
  unknownToolName,
  type ErrorCode,
  type LockedCatalog,
  type Tool,
  type ToolEnvironment,
  type VolumeName,
  type VolumeSeed,
} from '@cachelane/core';
import type { DefinedVolume, VolumeRequest } from '@cachelane/engine';
import type { Config, ConfigVolume } from '../config/config-types.ts';
import { detectLockfiles } from './detect-lockfiles.ts';
import { ofCatalog } from '../providers/of-catalog.ts';
import type { ProviderWishes } from '../providers/provider-wishes.ts';
import type { OpenProject } from '../context/project.ts';
import { readProjectLock } from '../context/project-lock.ts';
import { isWithin, mountPointProblems, reachProblem, realPathOf } from '../base/mount-points.ts';
import { noChoice, requireNamed, type CommitChoice, type SharingChoice } from '../base/choice-argument.ts';
import type { VolumeArgument } from '../base/volume-argument.ts';

export interface SelectionRequest {
  /** Values of `-v`, in order. */
  readonly asked: readonly VolumeArgument[];
  /** Value of `--sharing`; wins over the file. */
  readonly sharing: SharingChoice;
  /** Value of `--commit`; wins over the file. */
  readonly commit: CommitChoice;
  readonly config: Config | null;
  readonly tools: readonly Tool[];
  readonly environment: ToolEnvironment;
  /** Lockfiles are searched from the working directory up to here. */
  readonly topDir: string;
  /** Real path of the store, if known. */
  readonly storeDir: string | null;
  /** Provider choices outside the file. */
  readonly providers: ProviderWishes;
  /** Returns the project's locked catalogs. Errors: E_CATALOG for an unreadable lock. */
  readonly locked: () => readonly LockedCatalog[];
}

/** For callers without flags. */
export function plainSelection(
  project: Pick<OpenProject, 'config' | 'topDir' | 'projectDir' | 'files'>,
  place: Pick<SelectionRequest, 'tools' | 'environment' | 'storeDir' | 'providers'>,
): SelectionRequest {
  const { config, topDir } = project;
  const locked = (): readonly LockedCatalog[] => readProjectLock(project).catalogs;
  return { ...place, asked: [], sharing: noChoice, commit: noChoice, config, topDir, locked };
}

export interface SelectedVolume {
  readonly request: VolumeRequest;
  /** Absolute path of the volume. */
  readonly path: string;
  /** Source of the path, for messages. */
  readonly pathSource: string;
  /** Whether a file of the repository chose it through a tool's settings. */
  readonly byProject: boolean;
}

export interface DroppedVolume {
  readonly name: VolumeName;
  readonly path: string;
  readonly code: ErrorCode;
  /** Why it is left out. */
  readonly problem: string;
  readonly message: string;
  readonly hint: string;
}

export interface Selection {
  readonly volumes: readonly SelectedVolume[];
  readonly dropped: readonly DroppedVolume[];
}

/**
 * Selects volumes from `-v`, else the project's file, else lockfiles. Errors: E_VOLUME for `-v`, E_CONFIG for the file, E_USAGE for `--sharing`
 * and `--commit`.
 */
export function selectVolumes(request: SelectionRequest): Selection {
  const chosen = askedVolumes(request) ?? configuredVolumes(request) ?? detectedVolumes(request);
  const names = chosen.map(({ name }) => name);
  requireNamed('--sharing', request.sharing, names);
  requireNamed('--commit', request.commit, names);
  requireNamed('--provider', request.providers, names);
  const requests = chosen.map((volume) => ({
    ...volume,
    sharing: request.sharing.of(volume.name) ?? volume.sharing,
    commit: request.commit.of(volume.name) ?? volume.commit,
  }));
  const placed = requests.map((volume) => place(volume, request));
  const reach = { homeDir: realPathOf(request.environment.homeDir), projectDir: realPathOf(request.topDir) };
  const outOfReach = placed.map(({ path, pathSource, byProject }) => {
    const problem = byProject ? reachProblem(realPathOf(path), reach) : null;
    return problem === null ? null : `${problem}, and a file of the project chose it (${pathSource})`;
  });
  const reached = placed.filter((_, index) => outOfReach[index] === null);
  const places = mountPointProblems(
    reached.map(({ path }) => placeOf(path, request.storeDir)),
    { workDir: realPathOf(request.environment.workDir), ...reach, storeDir: request.storeDir },
  );
  const problems = placed.map((volume, index) => {
    const problem = outOfReach[index] ?? places[reached.indexOf(volume)] ?? null;
    return problem !== null && isRepeated(placed, index) ? 'it is named twice' : problem;
  });
  const volumes = placed.filter((_, index) => problems[index] === null);
  const dropped = placed.flatMap(({ request: { namespace, name, source }, path }, index) => {
    const problem = problems[index] ?? null;
    if (problem === null) return [];
    const message = `the volume ${addressText({ namespace, name })} (${source}) is left out: ${problem}`;
    const hint = isRepeated(placed, index) ? 'name it once' : 'give it another path';
    return [{ name, path, code: 'E_MOUNT_POINT' as const, problem, message, hint }];
  });
  return { volumes, dropped };
}

/** Returns `NAME`, or `NAMESPACE:NAME` for a volume of a named namespace. */
export function addressText({ namespace, name }: Pick<VolumeArgument, 'namespace' | 'name'>): string {
  return namespace === null ? name : `${namespace}:${name}`;
}

/** A volume can have several places, but only once each. */
function isRepeated(placed: readonly SelectedVolume[], index: number): boolean {
  const volume = placed[index];
  const isSame = ({ path, request }: SelectedVolume): boolean =>
    path === volume?.path && request.name === volume.request.name && request.namespace === volume.request.namespace;
  return placed.findIndex(isSame) < index;
}

/** Returns the real path, except for the symlink into the store that a run without mounts leaves here. */
function placeOf(path: string, storeDir: string | null): string {
  try {
    const isOurs = storeDir !== null && isWithin(readlinkSync(path), join(storeDir, 'kept'));
    return isOurs ? join(realPathOf(dirname(path)), basename(path)) : realPathOf(path);
  } catch {
    return realPathOf(path);
  }
}

/** Selects one volume by name, as a run would get it, without warnings about others. */
export function selectVolume(argument: VolumeArgument, request: SelectionRequest): SelectedVolume {
  return place(requestOf(argument, request), request);
}

function askedVolumes(request: SelectionRequest): readonly VolumeRequest[] | null {
  if (request.asked.length === 0) return null;
  if (request.asked.length > limits.volumesPerRun) {
    throw new CachelaneError(
      'E_VOLUME',
      `${request.asked.length} volumes exceed the limit of ${limits.volumesPerRun} for one run`,
    );
  }
  return request.asked.map((argument) => requestOf(argument, request));
}

/** Resolves a volume name by the file, else the tool. Errors: E_VOLUME if no tool has the name and no path is given. */
export function requestOf(argument: VolumeArgument, request: SelectionRequest): VolumeRequest {
  const { namespace, name, defined } = argument;
  if (defined !== undefined) return definedRequest({ ...argument, defined }, request);
  const path = argument.path === null ? null : absolute(argument.path, request.environment);
  // The file defines names; flags choose among them.
  const configured = configuredAs(argument, request);
  if (configured !== undefined && request.config !== null) {
    const volume = configuredVolume(configured, request.config, request);
    return path === null ? volume : { ...volume, path, source: '-v' };
  }
  const ofName = findTool(name, request.tools);
  const tool = ofName ?? (path === null ? findTool(argument.tool ?? '', request.tools) : undefined);
  if (isUnknown(argument, request)) {
    throw new CachelaneError('E_VOLUME', `there is no tool ${name}${didYouMean(name, toolNames(request.tools))}`, {
      hint: `for any other directory, give its path after the name: ${addressText(argument)}:/path`,
    });
  }
  const volume = {
    namespace,
    name,
    tool: tool?.name ?? unknownToolName,
    path: path ?? (ofName === undefined && tool?.name === unknownToolName ? anyPath : null),
    ...nothingSaid,
    compat: {},
    source: '-v',
  };
  // An address names the volume itself, so no provider applies.
  return namespace === null ? { ...volume, ...providerOf(name, null, request) } : volume;
}

/** Stands for the path of a directory that nothing attaches. */
export const anyPath = '/volume';

/** Returns whether the argument has no path, and neither the project's file nor a tool knows its name. */
export function isUnknown(argument: VolumeArgument, request: SelectionRequest): boolean {
  const { name, path, tool, defined } = argument;
  if (path !== null || defined !== undefined || configuredAs(argument, request) !== undefined) return false;
  return [name, tool ?? ''].every((each) => findTool(each, request.tools) === undefined);
}

function providerOf(
  name: VolumeName,
  configured: ConfigVolume['provider'],
  { providers, config, locked }: Pick<SelectionRequest, 'providers' | 'config' | 'locked'>,
): Pick<VolumeRequest, 'provider'> {
  const ofFile =
    configured === null
      ? []
      : [{ ref: configured.value, by: 'repository', source: `${configFileName}:${configured.line}` } as const];
  const provider = chooseProvider([...ofFile, ...providers.of(name)]);
  if (provider === null) return {};
  const { user } = providers;
  return { provider: { ...provider, ...ofCatalog(provider, { config, user, locked }) } };
}

function configuredAs({ namespace, name }: VolumeArgument, { config }: SelectionRequest): ConfigVolume | undefined {
  return namespace === null ? config?.volumes?.find((volume) => volume.name === name) : undefined;
}

/** Combines a catalog's definition with the project file's settings for its key. */
function definedRequest(
  argument: VolumeArgument & { readonly defined: DefinedVolume },
  request: SelectionRequest,
): VolumeRequest {
  const { namespace, name, defined } = argument;
  const { config } = request;
  const { definition, tool } = defined;
  const path = argument.path === null ? null : absolute(argument.path, request.environment);
  const source = `the catalog of ${definition.namespace}, version ${definition.version}`;
  const configured = configuredAs(argument, request);
  const base =
    configured === undefined || config === null
      ? { namespace, name, tool, path, ...nothingSaid, compat: {}, source }
      : configuredVolume({ ...configured, tool: { value: tool, line: configured.line } }, config, request);
  return {
    ...base,
    path: path ?? base.path,
    sharing: base.sharing ?? defined.sharing,
    compat: { ...defined.compat, ...base.compat },
    defined,
  };
}

/** The tool's defaults. */
const nothingSaid = { sharing: null, commit: null, sync: null, seed: null } as const;

function configuredVolumes(request: SelectionRequest): readonly VolumeRequest[] | null {
  const { config } = request;
  return config?.volumes?.map((volume) => configuredVolume(volume, config, request)) ?? null;
}

function configuredVolume(volume: ConfigVolume, config: Config, request: SelectionRequest): VolumeRequest {
  const { tools } = request;
  const wanted = volume.tool?.value ?? volume.name;
  const tool = findTool(wanted, tools);
  if (volume.tool !== null && tool === undefined) {
    throw misconfigured(volume.tool.line, `there is no tool ${wanted}${didYouMean(wanted, toolNames(tools))}`);
  }
  const path =
    volume.path === null ? null : configuredPath({ key: 'path', ...volume.path }, config, request.environment);
  const hasPlace = path !== null || (tool !== undefined && tool.locate(request.environment) !== null);
  if (!hasPlace) {
    throw misconfigured(volume.line, `${volume.name} needs a path or a tool${didYouMean(wanted, toolNames(tools))}`);
  }
  return {
    namespace: null,
    name: volume.name,
    tool: tool?.name ?? unknownToolName,
    path,
    sharing: volume.sharing,
    commit: volume.commit,
    sync: volume.sync,
    seed: configuredSeed(volume, config, request.environment),
    compat: volume.compat,
    source: `${configFileName}:${volume.line}`,
    ...providerOf(volume.name, volume.provider, request),
  };
}

function configuredSeed({ source }: ConfigVolume, config: Config, environment: ToolEnvironment): VolumeSeed | null {
  if (source === null) return null;
  return {
    kind: 'directory',
    directory: realPathOf(configuredPath({ key: 'source', ...source }, config, environment)),
  };
}

/** Follows symlinks first, since a committed link must not lead out of the project. */
function configuredPath(
  path: { readonly key: string; readonly value: string; readonly line: number },
  config: Config,
  environment: ToolEnvironment,
): string {
  const { homeDir } = environment;
  const inHome = path.value.startsWith('~/');
  const base = inHome ? homeDir : config.projectDir;
  const result = join(base, inHome ? path.value.slice(2) : path.value);
  const real = realPathOf(result);
  if (real !== realPathOf(base) && isWithin(real, realPathOf(base))) {
    const reach = { homeDir: realPathOf(homeDir), projectDir: realPathOf(config.projectDir) };
    const problem = reachProblem(real, reach);
    if (problem === null) return result;
    throw misconfigured(path.line, problem);
  }
  throw misconfigured(
    path.line,
    `${path.key} ${JSON.stringify(path.value)} leads out of ${inHome ? 'the home directory' : 'the project'} by a symlink`,
  );
}

function misconfigured(line: number, problem: string): CachelaneError {
  return new CachelaneError('E_CONFIG', `${configFileName}:${line}: ${problem}`, { hint: `fix ${configFileName}` });
}

function detectedVolumes(request: SelectionRequest): readonly VolumeRequest[] {
  return detectLockfiles(request)
    .slice(0, limits.volumesPerRun)
    .map(({ tool, lockfile }) => ({
      namespace: null,
      name: parseVolumeName(tool.name),
      ...providerOf(parseVolumeName(tool.name), null, request),
      tool: tool.name,
      path: null,
      ...nothingSaid,
      compat: {},
      source: lockfile,
    }));
}

function place(volume: VolumeRequest, { tools, environment }: SelectionRequest): SelectedVolume {
  if (volume.path !== null) return { request: volume, path: volume.path, pathSource: volume.source, byProject: false };
  const tool = findTool(volume.tool, tools);
  const location = tool?.locate(environment) ?? null;
  if (location !== null) {
    const { path, source, byProject = false } = location;
    return { request: volume, path, pathSource: source, byProject };
  }
  const why = tool?.whyNowhere?.(environment);
  throw new CachelaneError('E_VOLUME', `${volume.name} has no path${why === undefined ? '' : `: ${why}`}`, {
    hint: `give its path after the name: ${addressText(volume)}:/path`,
  });
}

function absolute(path: string, { homeDir, workDir }: ToolEnvironment): string {
  // A shell does not expand a tilde after a colon.
  if (path === '~' || path.startsWith('~/')) return join(homeDir, path.slice(1));
  return isAbsolute(path) ? resolve(path) : resolve(workDir, path);
}

function findTool(name: string, tools: readonly Tool[]): Tool | undefined {
  return tools.find((tool) => tool.name === name);
}

function toolNames(tools: readonly Tool[]): readonly string[] {
  return tools.filter(({ name }) => name !== unknownToolName).map(({ name }) => name);
}

import { join } from 'node:path';
import {
  formatPolicyValue,
  isCachelaneError,
  policyAt,
  seedText,
  unknownToolName,
  type Namespace,
  type Policy,
  type Runtime,
  type StatedPolicy,
  type Tool,
} from '@cachelane/core';
import type { VolumeRequest } from '@cachelane/engine';
import type {
  ApiProject,
  Explained as ApiExplained,
  ProjectPlace,
  VolumeMeaning,
  VolumePlace,
  World,
} from '@cachelane/api';
import packageJson from '../../package.json' with { type: 'json' };
import { afterSaving } from '../remotes/after-saving.ts';
import { aliasesAbove, catalogAliases } from '../config/catalog-aliases.ts';
import { definitionText } from '../explain/explain-provider.ts';
import { explainJson } from '../explain/explain-json.ts';
import { explainVolume } from '../explain/explain-volume.ts';
import type { Explained } from '../explain/explained.ts';
import type { Host } from '../host/host.ts';
import { lanePolicyOf } from '../config/lane-policy.ts';
import type { ChosenRemote } from '../remotes/open-chosen-remote.ts';
import { commandEnv } from '../run/bare.ts';
import { openProviders } from '../providers/open-providers.ts';
import { noFlags, providerWishes } from '../providers/provider-wishes.ts';
import { isoTime } from '../host/print.ts';
import { openProject, toolEnvironmentOf } from '../context/project.ts';
import { settledParents } from '../context/settled-parents.ts';
import type { ReadStore, Store } from '../home/store.ts';
import { readUserConfig } from '../config/user-config.ts';
import type { VolumeArgument } from '../base/volume-argument.ts';
import { plainSelection, requestOf } from '../volumes/volumes.ts';
import { userOf } from '../host/user-of.ts';
import { whereToRun } from '../host/working-directory.ts';
import { confinedReach } from './confined-reach.ts';
import { sessionLock } from './session-lock.ts';
import { ignoredRemote } from './ignored-remote.ts';
import type { EnginePushes } from './engine-pushes.ts';
import { rememberedProjects } from './remembered-projects.ts';

interface WorldRequest {
  readonly host: Host;
  readonly store: Store;
  readonly homeDir: string;
  readonly tools: readonly Tool[];
  readonly runtime: Runtime;
  readonly remote: ChosenRemote;
  /** Why the named remote is unusable, one sentence each. */
  readonly remoteProblems: readonly string[];
  readonly pushes: EnginePushes;
  readonly endsWithAnswer: boolean;
  /** From the user's own file. */
  readonly policy: StatedPolicy;
  readonly signal: AbortSignal;
}

/** Returns the API's world, built from the parts that commands use. */
export function apiWorld(request: WorldRequest): World {
  const { store, tools, runtime, policy, signal } = request;
  const providers = openProviders(request.host, request.homeDir);
  return {
    version: packageJson.version,
    endsWithAnswer: request.endsWithAnswer,
    user: userOf(request.host),
    deps: { ...store, tools, runtime, policy, remote: request.remote.remote, providers },
    openProject: rememberedProjects(store.clock, async (place) => await openApiProject(request, place)),
    policyOf: async (namespace) => await policyOf(request, namespace, signal),
    async afterSaving({ context: { trust }, reports, events }) {
      const { host, homeDir, remote: shared, pushes } = request;
      await afterSaving(host, { homeDir, shared, trust, reports }, events, pushes.push);
    },
  };
}

async function openApiProject(request: WorldRequest, place: ProjectPlace): Promise<ApiProject> {
  const { homeDir, store, tools, remote, remoteProblems, signal } = request;
  const { directory, namespace, environment: env, isConfined } = place;
  // Use the engine's user file and modules, not those of the home that a program reports.
  const host = env === null ? request.host : { ...request.host, env, configEnv: request.host.env };
  const project = await openProject(host, {
    where: whereToRun(host, directory ?? undefined, 'directory'),
    namespace: namespace ?? undefined,
    isConfined,
  });
  const { context } = project;
  const reach = isConfined ? confinedReach(request.host, project) : undefined;
  const environment = toolEnvironmentOf(host, project, reach);
  const wishes = await providerWishes(host, {
    flags: noFlags,
    environment: host.env,
    by: isConfined ? 'session' : 'environment',
  });
  const providers = isConfined ? { ...wishes, user: aliasesAbove(wishes.user, context.namespace) } : wishes;
  const selection = plainSelection(project, { tools, environment, storeDir: homeDir, providers });
  const argumentOf = ({ namespace: asked, key, defined }: VolumePlace): VolumeArgument => ({
    namespace: asked === context.namespace ? null : asked,
    name: key,
    path: null,
    defined,
  });
  const meaningOf = (place: VolumePlace): VolumeMeaning => {
    try {
      const { tool: name, compat, sharing } = requestOf(argumentOf(place), selection);
      const tool = tools.find((each) => each.name === name) as Tool;
      return { tool, compat: { ...tool.compat(environment), ...compat }, sharing };
    } catch (error) {
      // Unknown keys are plain directories, which fit every platform.
      if (!isCachelaneError(error, 'E_VOLUME')) throw error;
      const tool = tools.find((each) => each.name === unknownToolName) as Tool;
      return { tool, compat: tool.compat(environment), sharing: null };
    }
  };
  const reading: ReadStore = {
    homeDir,
    metadata: store.metadata,
    layers: async () => await Promise.resolve(store.layers),
    mounters: async () => await Promise.resolve(store.mounters),
    signal,
  };
  const { choice } = remote;
  const ignored = env === null ? [] : await ignoredRemote({ host, homeDir, choice });
  const where = { dir: project.workDir, isChosen: directory !== null, problem: null };
  const { lock, problems } = sessionLock(project);
  const aliases = catalogAliases({
    config: project.config,
    user: isConfined ? providers.user : await readUserConfig(host),
    locked: lock?.catalogs ?? [],
  });
  const settled = await settledParents(project, { metadata: store.metadata, signal });
  return {
    context,
    catalogs: new Map([...aliases].map(([alias, { namespace: named }]) => [alias, named])),
    warnings: [...project.warnings, ...problems, ...remoteProblems, ...ignored],
    lock,
    run: {
      directory: project.directory,
      environment,
      cwd: project.workDir,
      env: commandEnv(host, where, settled.context),
      revision: project.revision,
      workflow: project.workflow,
      lanePolicy: lanePolicyOf(project.config),
      push: remote.pushMode,
      remoteWaitMs: remote.waitMs,
    },
    meaningOf,
    requestFor(place) {
      const ownPlace = (): VolumeRequest =>
        requestOf({ ...argumentOf(place), path: join(project.workDir, place.key) }, selection);
      try {
        const request = requestOf(argumentOf(place), selection);
        const tool = tools.find((each) => each.name === request.tool);
        // A catalog may offer a plain directory without a path.
        return request.path === null && tool?.locate(environment) === null ? ownPlace() : request;
      } catch (error) {
        if (!isCachelaneError(error, 'E_VOLUME')) throw error;
        return ownPlace();
      }
    },
    async explain(place, seed, bounds) {
      try {
        const surroundings = { host, store: reading, providers };
        const here = { project, environment };
        return explained(await explainVolume(surroundings, here, argumentOf(place), { seed, bounds }));
      } catch (error) {
        if (isCachelaneError(error, 'E_VOLUME')) return null;
        throw error;
      }
    },
  };
}

function explained(all: Explained): ApiExplained {
  const { planned, choice, chain, chosenBy, lifetime, remote, lowLevelId } = all;
  const { value, source } = lifetime.policy[lifetime.key];
  return {
    why: (explainJson(all) as { readonly why: string }).why,
    lowLevelId,
    path: planned.target,
    pathSource: planned.targetSource,
    mounter: choice.mounter,
    mounterWhy: choice.why,
    chosenBy,
    readChain: chain.map(({ link, held }) => ({
      ...link,
      generation: held?.head.generation ?? 0,
      layers: held?.head.layers.length ?? 0,
      files: held?.files ?? 0,
      sizeBytes: held?.sizeBytes ?? 0,
      updatedAt: held === null ? null : isoTime(held.head.updatedAtMs),
    })),
    tiers: all.tiers,
    seed: all.seed === null ? null : seedText(all.seed),
    provider: all.provider?.provider ?? null,
    providerBy: all.provider?.chosenBy ?? null,
    gives: all.provider?.gives ?? null,
    definition: definitionText(all.planned.request),
    catalog: all.catalog,
    keptFor: Number.isFinite(value) ? formatPolicyValue(lifetime.key, value) : null,
    keptBy: `${lifetime.key} (${source})`,
    remote: remote.stays === null ? remote.address : null,
  };
}

async function policyOf({ host, store }: WorldRequest, namespace: Namespace, signal: AbortSignal): Promise<Policy> {
  const record = await store.metadata.findNamespace(namespace, signal);
  const user = (await readUserConfig(host))?.policy ?? {};
  const stored = await store.metadata.listPolicies(signal);
  return policyAt({ user, stored, lanes: [] }, { paths: record?.paths ?? [namespace], lane: null });
}

import {
  canonicalCompat,
  CachelaneError,
  checkProvided,
  isCachelaneError,
  isProviderKind,
  openParents,
  providerKinds,
  providerRight,
  providerText,
  providerWords,
  unreachable,
  wishText,
  type Compat,
  type Context,
  type Namespace,
  type Provided,
  type Provider,
  type ProviderChoice,
  type Tool,
  type ToolEnvironment,
  type VolumeName,
  type WhoseWord,
} from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import type { RunCommandRequest } from '../model/run-request.ts';
import type { VolumeRequest } from '../model/volume-request.ts';
import { roomToFetch, type AdmitDependencies } from '../seeds/admit-seed.ts';
import { takesSeeds } from '../seeds/session-seeds.ts';
import { requireReach } from '../sharing/require-reach.ts';
import { within } from '../base/deadline.ts';
import { judgeNamed } from './judge-named.ts';
import { provideFromCatalog } from './provide-from-catalog.ts';

export type ProvideDependencies = Pick<EngineDependencies, 'providers' | 'tools' | 'metadata'>;

export interface Providing {
  readonly context: Context;
  readonly environment: ToolEnvironment;
  /** The user of the volume; left out if the caller only asks what a run would get. */
  readonly use?: ProvidedUse;
}

interface ProvidedUse {
  readonly deps: AdmitDependencies & Pick<EngineDependencies, 'clock'>;
  readonly lanePolicy: RunCommandRequest['lanePolicy'];
  /** How long to wait. */
  readonly waitMs: number;
}

type UseRequest = Pick<
  RunCommandRequest,
  'context' | 'environment' | 'lanePolicy' | 'remoteWaitMs' | 'mode' | 'purpose'
>;

/** For callers that support seeds. Others must only know what the volume is. */
export function providingFor(deps: ProvidedUse['deps'], request: UseRequest): Providing {
  const { context, environment, lanePolicy, remoteWaitMs: waitMs } = request;
  return { context, environment, ...(takesSeeds(request) ? { use: { deps, lanePolicy, waitMs } } : {}) };
}

/**
 * Asks the provider and returns the request for the provided volume. This is the only caller of providers. A request without a provider, or
 * with an answer, comes back unchanged. Errors: E_CONFIG for an unknown provider or one that may not be chosen here; E_GRANT; and the
 * provider's own. Each names the volume, the provider and who chose it.
 */
export async function provideVolume(
  deps: ProvideDependencies,
  place: Providing,
  request: VolumeRequest,
  signal: AbortSignal,
): Promise<VolumeRequest> {
  const { provider: choice, provided } = request;
  if (choice === undefined || provided !== undefined) return request;
  try {
    const provided = await inTime(
      place,
      { kind: choice.ref.kind, signal },
      async (within) => await unlessAborted(answer(deps, place, { request, choice }, within), within),
    );
    const word = whoseWord(place.context, choice, provided);
    await requireGranted(deps, place.context, { ...provided, word }, signal);
    const told = await withNote(deps, place, provided, signal);
    return word === 'person' ? told : { ...told, word };
  } catch (thrown) {
    signal.throwIfAborted();
    throw inWords(request, choice, thrown);
  }
}

/** A multiple of the time that a run waits for a remote. */
const imageWaits = 6;

async function inTime<T>(
  { use }: Providing,
  { kind, signal }: { readonly kind: string; readonly signal: AbortSignal },
  act: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (use === undefined) return await act(signal);
  const { clock } = use.deps;
  // An image is one large download that each run starts again, so wait longer for a slow server.
  const limitMs = kind === 'oci' ? use.waitMs * imageWaits : use.waitMs;
  return await within({ clock, limitMs, late: 'the provider did not finish' }, signal, act);
}

/** Returns at an abort, even if a provider ignores the signal. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: never, reject } = Promise.withResolvers<never>();
  const stop = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    return await Promise.race([work, never]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

interface Asked {
  readonly request: VolumeRequest;
  readonly choice: ProviderChoice;
}

async function answer(
  deps: ProvideDependencies,
  place: Providing,
  { request, choice }: Asked,
  signal: AbortSignal,
): Promise<VolumeRequest> {
  requireMay(place.context, choice);
  // A definition sets more than the contents.
  if (choice.ref.kind === 'catalog') return await provideFromCatalog(deps, place.context, request, signal);
  const provider = await findProvider(deps, choice);
  const tool = toolOf(deps, request);
  const question = await questionOf(place, { request, tool }, signal);
  return asProvided(request, choice, checkProvided(await provider.provide(question, signal)));
}

/** Checks that the provider may be chosen here, before it is asked. Errors: E_CONFIG, E_USAGE, with the volume, the provider and who chose it. */
export function requireChoosable(context: Context, request: VolumeRequest, choice: ProviderChoice): void {
  try {
    requireMay(context, choice);
  } catch (thrown) {
    throw inWords(request, choice, thrown);
  }
}

function requireMay({ bounds }: Context, choice: ProviderChoice): void {
  const right = providerRight(choice.by, choice.ref);
  if (right.kind !== 'refused') {
    if (bounds !== undefined && choice.ref.kind === 'host') throw unseeded();
    return;
  }
  throw new CachelaneError('E_CONFIG', `a file in the repository may not choose it: it ${right.why}`, {
    hint: 'a repository may choose project, catalog and none; choose others with --provider, CACHELANE_PROVIDERS or your own configuration',
  });
}

async function findProvider({ providers }: ProvideDependencies, choice: ProviderChoice): Promise<Provider> {
  const { kind } = choice.ref;
  const found = await providers?.find(kind);
  if (found !== undefined) return found;
  throw new CachelaneError('E_CONFIG', `there is no provider of kind ${kind}`, {
    hint: isProviderKind(kind)
      ? 'it is not available here'
      : `there are ${providerKinds.join(', ')}, and those of provider-modules in your own configuration`,
  });
}

async function questionOf(
  { context, environment, use }: Providing,
  { request, tool }: { readonly request: VolumeRequest; readonly tool: Tool | undefined },
  signal: AbortSignal,
): Promise<Parameters<Provider['provide']>[0]> {
  const { namespace } = context;
  return {
    argument: request.provider?.ref.argument ?? '',
    volume: request.name,
    tool: request.tool,
    compat: compatOf(request, tool, environment),
    project: namespace,
    // The caller of a confined session decides where its tools have their caches.
    place: context.bounds === undefined ? (request.path ?? tool?.locate(environment)?.path ?? null) : null,
    fetch:
      use === undefined
        ? null
        : await roomToFetch(use.deps, { namespace, lanePolicy: use.lanePolicy, volume: request.name }, signal),
  };
}

function unseeded(): CachelaneError {
  return new CachelaneError('E_USAGE', 'a confined session cannot seed a volume from a directory', {
    hint: 'use another provider, or an unconfined session',
  });
}

/** A confined session gets only granted volumes, whatever source chose the provider. A volume that only a lock defines counts as chosen by the repository. */
function whoseWord({ bounds }: Context, choice: ProviderChoice, { defined }: VolumeRequest): WhoseWord {
  if (bounds !== undefined || choice.by === 'session') return 'confined';
  if (defined?.byLock === 'alone') return 'repository';
  return providerRight(choice.by, choice.ref).kind === 'own' ? 'person' : 'repository';
}

/**
 * Checks that the volume may be read; writing is checked at the save. With trust T0, the repository's file may only name the project's own
 * volumes.
 */
async function requireGranted(
  deps: ProvideDependencies,
  context: Context,
  { namespace, name: volume, word = 'person' }: VolumeRequest,
  signal: AbortSignal,
): Promise<void> {
  const { namespace: caller, lane, trust } = context;
  if (namespace === null || namespace === caller) return;
  const parents = openParents(context);
  // A project reads its parents without a grant.
  if (word !== 'person' && trust === 'T0' && !parents.includes(namespace)) throw unvouched(namespace, volume);
  await requireReach(deps, { word, caller, parents, namespace, volume, lane, access: 'read' }, signal);
}

/** Only for readable volumes: others must not learn about them. */
async function withNote(
  { metadata, tools }: ProvideDependencies,
  { context, environment }: Providing,
  request: VolumeRequest,
  signal: AbortSignal,
): Promise<VolumeRequest> {
  const compat = compatOf(request, toolOf({ tools }, request), environment);
  const note = await judgeNamed(metadata, { context, request, compat }, signal);
  const { provided } = request;
  return note === null || provided === undefined ? request : { ...request, provided: { ...provided, note } };
}

function toolOf({ tools }: Pick<ProvideDependencies, 'tools'>, request: VolumeRequest): Tool | undefined {
  return tools.find(({ name }) => name === request.tool);
}

function compatOf({ compat }: VolumeRequest, tool: Tool | undefined, environment: ToolEnvironment): Compat {
  return canonicalCompat({ ...tool?.compat(environment), ...compat });
}

function unvouched(namespace: Namespace, volume: VolumeName): CachelaneError {
  const what = `${namespace}:${volume} belongs to another project, and the file that names it is not trusted (T0)`;
  return new CachelaneError('E_GRANT', what, {
    hint: 'the job may name it with --provider or CACHELANE_PROVIDERS',
  });
}

function asProvided(request: VolumeRequest, choice: ProviderChoice, said: Provided): VolumeRequest {
  const as = request.name;
  switch (said.kind) {
    case 'volume': {
      const { namespace = request.namespace, name = as, compat } = said;
      const added = compat === undefined ? {} : { compat: { ...request.compat, ...compat } };
      return { ...request, namespace, name, ...added, provided: { as, backing: { kind: 'volume' } } };
    }
    case 'seed': {
      const seed = { kind: 'directory', directory: said.directory, of: seedName(choice, said.directory) } as const;
      return { ...request, seed, provided: { as, backing: { kind: 'volume' } } };
    }
    case 'directory':
      return { ...request, provided: { as, backing: { kind: 'directory', directory: said.directory } } };
    case 'nothing':
      return { ...request, provided: { as, backing: { kind: 'nothing' } } };
    default:
      return unreachable(said);
  }
}

/** Returns a name for the seed: a host directory's path, or the image's name. */
function seedName({ ref }: ProviderChoice, directory: string): string {
  return ref.argument === '' ? directory : providerText(ref);
}

/** Providers may be foreign programs, so their errors are shortened and redacted. */
function inWords(request: VolumeRequest, choice: ProviderChoice, thrown: unknown): CachelaneError {
  const what = `${request.name} by ${wishText(choice)}`;
  if (isCachelaneError(thrown)) {
    const { code, message, hint, retryable } = thrown;
    const more = hint === undefined ? {} : { hint };
    return new CachelaneError(code, `${what}: ${message}`, { ...more, retryable, cause: thrown });
  }
  return new CachelaneError('E_VOLUME', `${what}: the provider failed: ${providerWords(thrown)}`, { cause: thrown });
}

import { done } from '../connection/answer.ts';
import type { CacheVolume, VolumeOptions, VolumeSeed } from './cache-volume.ts';
import type { CallOptions } from './call-options.ts';
import type { Connection } from '../connection/connection.ts';
import { CachelaneError } from '../errors/errors.ts';
import type { SourceInput } from '../generated/inputs.ts';
import {
  offeredVolume,
  prune,
  remove,
  rollback,
  volumeBlame,
  volumeById,
  volumeByKey,
  volumeEntries,
  volumeExplanation,
  volumeGrants,
  volumeHead,
  volumeHeads,
  volumeSize,
  volumeSnapshots,
  volumeUsage,
} from '../generated/operations.ts';
import type { VolumeInfo } from '../generated/results.ts';
import { newKey } from './new-key.ts';
import type { Operation } from '../wire/operation.ts';
import { itemsOf } from './pages.ts';
import type { Scoping } from './scoping.ts';
import { giveGrant, takeGrantBack } from './sharing.ts';

/** How a volume is named. */
export type Naming =
  | { readonly kind: 'id'; readonly id: string }
  | (Named & { readonly kind: 'key'; readonly key: string })
  /** By its definition in a catalog. */
  | (Named & { readonly kind: 'offered'; readonly name: string; readonly catalog: CatalogNaming });

interface Named {
  readonly scoping: Scoping;
  readonly options: VolumeOptions;
}

/** How a catalog is named. The default is its current version. */
interface CatalogNaming {
  /** A namespace or an alias. */
  readonly offerer: string;
  readonly version?: number;
  readonly digest?: string;
}

const namings = new WeakMap<CacheVolume, Naming>();

/** The requested attributes. The engine chooses defaults. */
export function askedOf(volume: CacheVolume): Pick<VolumeOptions, 'sharing' | 'source'> {
  const naming = namings.get(volume);
  return naming === undefined || naming.kind === 'id' ? {} : naming.options;
}

export async function sourceInput(
  seed: VolumeSeed | null | undefined,
  options: CallOptions,
): Promise<SourceInput | undefined> {
  if (seed === undefined || seed === null) return undefined;
  // For programs without types.
  const { directory, volume } = seed as {
    readonly directory?: unknown;
    readonly volume?: Partial<CacheVolume>;
  };
  if (volume === undefined && typeof directory === 'string') return { directory };
  if (directory === undefined && typeof volume?.id === 'function') return { volume: await volume.id(options) };
  throw new CachelaneError('E_USAGE', 'a source is one directory or one volume', {
    hint: '{ directory: PATH }, or { volume: engine.cacheVolume(KEY) }',
  });
}

export function openVolume(connection: Connection, naming: Naming): CacheVolume {
  let known: string | null = naming.kind === 'id' ? naming.id : null;

  const info = async ({ signal }: CallOptions = {}): Promise<VolumeInfo> => {
    const found = await infoOf(connection, naming, signal);
    known = found.id;
    return found;
  };
  const id = async (options: CallOptions = {}): Promise<string> => known ?? (await info(options)).id;
  const elsewhere = (change: (scoping: Scoping) => Scoping): CacheVolume => {
    if (naming.kind !== 'id') return openVolume(connection, { ...naming, scoping: change(naming.scoping) });
    throw new CachelaneError('E_USAGE', 'a volume by id cannot be moved to another namespace', {
      hint: 'request it by key: engine.cacheVolume(KEY)',
    });
  };
  const ownSource = async (options: CallOptions): Promise<SourceInput | undefined> =>
    naming.kind === 'id' ? undefined : await sourceInput(naming.options.source, options);
  /** Requests fields of the volume with this id. */
  const asked = async <N extends object, V>(
    operation: Operation<{ readonly node: Partial<N> | null }, V>,
    variables: (id: string) => V,
    signal: AbortSignal | undefined,
  ): Promise<N> => volumeIn(await connection.ask(operation, variables(await id({ signal })), signal));

  const volume: CacheVolume = {
    in: (namespace) => elsewhere(() => ({ namespace, scope: [] })),
    scope: (...names) => elsewhere(({ namespace, scope }) => ({ namespace, scope: [...scope, ...names] })),
    id,
    info,
    async explain({ signal } = {}) {
      const source = await ownSource({ signal });
      return (await asked(volumeExplanation, (id) => ({ id, source }), signal)).explain;
    },
    usage: async ({ signal } = {}) => await asked(volumeUsage, (id) => ({ id }), signal),
    sizeBytes: async ({ signal } = {}) => (await asked(volumeSize, (id) => ({ id }), signal)).sizeBytes,
    heads: async ({ signal } = {}) => (await asked(volumeHeads, (id) => ({ id }), signal)).heads,
    head: async ({ lane, signal } = {}) => (await asked(volumeHead, (id) => ({ id, lane }), signal)).head,
    async snapshots({ lane, first = 20, signal } = {}) {
      const { head } = await asked(volumeSnapshots, (id) => ({ id, lane, first }), signal);
      return head?.snapshots ?? [];
    },
    entries({ lane, under, pageSize = 1000, signal } = {}) {
      let generation: number | undefined;
      return itemsOf(async (after) => {
        const variables = { lane, under, first: pageSize, after };
        const { head } = await asked(volumeEntries, (id) => ({ id, ...variables }), signal);
        if (after !== null && head?.generation !== generation) throw moved();
        generation = head?.generation;
        return head?.entries ?? { nodes: [], pageInfo: { hasNextPage: false, endCursor: null } };
      });
    },
    async blame(path, { lane, signal } = {}) {
      const source = await ownSource({ signal });
      const { blame } = await asked(volumeBlame, (id) => ({ id, path, lane, source }), signal);
      return blame;
    },
    async rollback({ generation, dryRun = false, key = newKey(), signal } = {}) {
      const variables = { volume: await id({ signal }), generation, dryRun, key };
      return done((await connection.ask(rollback, variables, signal)).rollback);
    },
    async remove({ lane, allLanes = false, dryRun = false, signal } = {}) {
      const variables = { volume: await id({ signal }), lane, allLanes, dryRun };
      return done((await connection.ask(remove, variables, signal)).remove);
    },
    grants: async ({ signal } = {}) => (await asked(volumeGrants, (id) => ({ id }), signal)).grants,
    async grant(to, options = {}) {
      const { namespace, key } = await info(options);
      return await giveGrant(connection, { namespace, key, to }, options);
    },
    async withdrawGrant(to, options = {}) {
      const { namespace, key } = await info(options);
      return await takeGrantBack(connection, { namespace, key, to }, options);
    },
    async prune({ dryRun = false, key = newKey(), signal } = {}) {
      return done((await connection.ask(prune, { volume: await id({ signal }), dryRun, key }, signal)).prune);
    },
  };
  namings.set(volume, naming);
  return volume;
}

async function infoOf(connection: Connection, naming: Naming, signal: AbortSignal | undefined): Promise<VolumeInfo> {
  if (naming.kind === 'id') return volumeIn(await connection.ask(volumeById, { id: naming.id }, signal));
  const { scoping, options } = naming;
  const asked = {
    namespace: scoping.namespace,
    scope: scoping.scope,
    compat: Object.entries(options.compat ?? {}).map(([name, value]) => ({ name, value })),
    sharing: options.sharing,
    source: await sourceInput(options.source, { signal }),
    owner: options.owner,
  };
  if (naming.kind === 'key') {
    return (await connection.ask(volumeByKey, { key: naming.key, ...asked }, signal)).cacheVolume;
  }
  const offered = { ...naming.catalog, name: naming.name, ...asked };
  return (await connection.ask(offeredVolume, offered, signal)).catalog.cacheVolume;
}

/** Errors: E_NOT_FOUND if the id is not a volume's, or the session may not see it. */
function volumeIn<N extends object>({ node }: { readonly node: Partial<N> | null }): N {
  if (node !== null && Object.keys(node).length > 0) return node as N;
  throw new CachelaneError('E_NOT_FOUND', 'there is no volume with this id', {
    hint: 'use an id from volume.id(); a confined session sees only its own project',
  });
}

function moved(): CachelaneError {
  return new CachelaneError('E_HEAD_MOVED', 'the volume changed while its entries were listed', {
    hint: 'list them again',
    retryable: true,
  });
}

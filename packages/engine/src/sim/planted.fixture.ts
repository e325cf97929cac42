import {
  type HeadManifest,
  type LayerId,
  type Remote,
  type RemoteHeads,
  type RemoteKey,
  type SquashRequest,
  type StagedEntry,
  type Tool,
  type Version,
  decodeManifest,
  encodeManifest,
  isCachelaneError,
} from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import { collectionKey, objectsOf } from '../sync/heads/remote-collection.ts';
import { stageFrom } from '../views/squash.ts';
import type { PlayOptions } from './play.fixture.ts';
import { contextIn, laneName } from './world.fixture.ts';

/** Deletes unnamed objects without regard to running pushes; takes a while on a large remote. */
async function removeUnnamed({ heads, objects }: Remote, signal: AbortSignal): Promise<void> {
  const named = new Set<RemoteKey>();
  for (const key of (await heads.list('heads/', {}, signal)).keys) {
    const head = await heads.read(key, signal);
    if (head !== undefined) for (const object of objectsOf(decodeManifest(head.bytes, null))) named.add(object);
  }
  for (let page = 0; page < 10; page++) await heads.read(collectionKey, signal);
  for (const { key } of (await objects.list('', {}, signal)).objects) {
    if (!named.has(key) && !key.startsWith('uses/')) await objects.remove(key, signal);
  }
}

/** Faults that the implementation could have. The simulation must find each one. */
export const planted: Readonly<Record<string, Omit<PlayOptions, 'seed'>>> = {
  'a head moves without compare-and-swap': {
    plant: withHeads((heads) => ({
      swap: async (request, signal) => {
        // The check of the remote's guarantees would notice, so only heads are affected.
        const now = request.key.startsWith('heads/') ? await heads.read(request.key, signal) : undefined;
        if (now === undefined) return await heads.swap(request, signal);
        return await heads.swap({ ...request, expected: now.version }, signal);
      },
    })),
  },
  'a move without an answer counts as done': {
    plant: withHeads((heads) => ({
      swap: async (request, signal) => {
        try {
          return await heads.swap(request, signal);
        } catch (error) {
          if (!isCachelaneError(error, 'E_REMOTE_UNKNOWN')) throw error;
          return { kind: 'moved', version: 'unseen' as never };
        }
      },
    })),
  },
  'a head names a layer without uploaded content': {
    plant: (deps) => ({
      ...deps,
      remote: withRemote(deps.remote, ({ objects }) => ({
        objects: {
          ...objects,
          put: async (key, source, signal) => {
            if (key.startsWith('data/')) return { kind: 'present' };
            return await objects.put(key, source, signal);
          },
        },
      })),
    }),
  },
  'a recorded layer was never published': {
    plant: (deps) => ({ ...deps, layers: { ...deps.layers, publish: async () => await Promise.resolve() } }),
  },
  'a collector ignores pins': {
    plant: (deps) => ({
      ...deps,
      metadata: {
        ...deps.metadata,
        collectionFacts: async (question, signal) => ({
          ...(await deps.metadata.collectionFacts({ ...question, lanes: 'all' }, signal)),
          history: [],
          squashes: [],
          pins: new Set(),
        }),
        forgetLayers: async (candidates) => await Promise.resolve(candidates),
        amongUnused: async (keys, use) => await Promise.resolve(use(keys)),
      },
    }),
  },
  'a squash replaces layers by position': {
    plant: (deps) => {
      const seen = new Map<string, readonly LayerId[]>();
      const { metadata } = deps;
      return {
        ...deps,
        metadata: {
          ...metadata,
          commit: async (request, signal) => {
            const result = await metadata.commit(request, signal);
            if (result.kind === 'moved') seen.set(placeOf(request), result.head.layers);
            return result;
          },
          squash: async (request, signal) => {
            const at = seen.get(placeOf(request))?.indexOf(request.layers[0] as LayerId) ?? -1;
            const now = (await metadata.head(request.volumeId, request.lane, signal))?.layers ?? [];
            const layers = at < 0 ? [] : now.slice(at, at + request.layers.length);
            return await metadata.squash(layers.length < 2 ? request : { ...request, layers }, signal);
          },
        },
      };
    },
  },
  'a squash drops removals': {
    plant: (deps) => ({
      ...deps,
      metadata: {
        ...deps.metadata,
        squash: async (request, signal) => {
          const entries = await everyFileOf(deps, [request.layer.id, ...request.layers], signal);
          const staged = await deps.layers.stage({ changes: null, entries, sealedAtMs: request.atMs }, signal);
          await deps.layers.publish(staged, signal);
          const layer = { ...request.layer, id: staged.id };
          return await deps.metadata.squash({ ...request, layer }, signal);
        },
      },
    }),
  },
  'a remote collection deletes unnamed objects at once': {
    collecting: (remote) => ({
      ...remote,
      heads: {
        ...remote.heads,
        swap: async (request, signal) => {
          const outcome = await remote.heads.swap(request, signal);
          // Later pushes see only this state.
          if (request.key === collectionKey) await removeUnnamed(remote, signal);
          return outcome;
        },
      },
    }),
  },
  'a remote collection ignores what squashes replaced': {
    collecting: (remote) => withManifests(remote, (manifest) => ({ ...manifest, squashes: [] })),
  },
  'a revocation ignores what squashes replaced': {
    revoking: (deps) => ({
      ...deps,
      metadata: { ...deps.metadata, squashes: async () => await Promise.resolve([]) },
    }),
  },
  'a sync ignores revocations': {
    plant: (deps) => ({
      ...deps,
      metadata: { ...deps.metadata, revokedRuns: async () => await Promise.resolve([]) },
      remote: deps.remote === null ? null : withManifests(deps.remote, (manifest) => ({ ...manifest, revoked: [] })),
    }),
  },
  'a merge of two indexes keeps only one': {
    plant: (deps) => ({ ...deps, tools: deps.tools.map(takingTheFirst) }),
  },
  'a lane reads a T0 lane': {
    contextOf: (key) => {
      const context = contextIn(key);
      const fork = { namespace: context.namespace, lane: laneName('fork') };
      return key === 'feature' ? { ...context, readChain: [...context.readChain, fork] } : context;
    },
  },
};

/** Returns the nearest entry at each path, without removals. */
async function everyFileOf(
  { layers }: Pick<EngineDependencies, 'layers'>,
  ids: readonly LayerId[],
  signal: AbortSignal,
): Promise<readonly StagedEntry[]> {
  const found = new Map<string, StagedEntry>();
  for (const id of ids) {
    const layer = await layers.open(id, signal);
    for (const entry of layer.index.entries())
      if (entry.removed !== 'counted' && !found.has(entry.path)) found.set(entry.path, stageFrom(entry, layer));
  }
  return [...found.values()];
}

function placeOf({ volumeId, lane }: Pick<SquashRequest, 'volumeId' | 'lane'>): string {
  return `${volumeId} ${lane}`;
}

function withHeads(change: (heads: RemoteHeads) => Partial<RemoteHeads>): PlayOptions['plant'] {
  return (deps) => ({
    ...deps,
    remote: withRemote(deps.remote, ({ heads }) => ({ heads: { ...heads, ...change(heads) } })),
  });
}

function withRemote(remote: Remote | null, change: (remote: Remote) => Partial<Remote>): Remote | null {
  return remote === null ? null : { ...remote, ...change(remote) };
}

/** Changes manifests as they are read from the remote. */
function withManifests(remote: Remote, change: (manifest: HeadManifest) => HeadManifest): Remote {
  const read: RemoteHeads['read'] = async (key, signal) => {
    const head = await remote.heads.read(key, signal);
    if (head === undefined || !key.startsWith('heads/')) return head;
    return { ...head, bytes: encodeManifest(change(decodeManifest(head.bytes, null))) };
  };
  return { ...remote, heads: { ...remote.heads, read } };
}

function takingTheFirst(tool: Tool): Tool {
  return {
    ...tool,
    classify(path, isDirectory, context) {
      const rule = tool.classify(path, isDirectory, context);
      if (rule.kind !== 'keep' || rule.mergeClass !== 'A' || !rule.driver.merges) return rule;
      const compose = (versions: readonly Version[]): ReturnType<typeof rule.driver.compose> =>
        rule.driver.compose(versions.slice(0, 1));
      return { ...rule, driver: { ...rule.driver, compose } };
    },
  };
}

import {
  compareCatalogs,
  compatFields,
  type DefinitionChange,
  type Namespace,
  type VolumeDefinition,
  type VolumeName,
} from '@cachelane/core';
import {
  catalogConsumers,
  definitionUsage,
  requireCatalog,
  requireDefinition,
  volumesOf,
  type CatalogConsumer,
  type OfferedCatalog,
} from '@cachelane/engine';
import { mayKnow, mayKnowVolume } from '../request/caller.ts';
import type { ApiRequest } from '../request/request.ts';
import { askForOffered, type OfferedVolumeArguments } from '../volumes/ask-for-volume.ts';
import { isoTime } from '../values/iso-time.ts';
import { byLane, type Held } from '../volumes/held.ts';
import { volumeNode } from './volume-node.ts';
import { nothingAsked } from '../volumes/volume-subject.ts';

export function catalogNode(request: ApiRequest, catalog: OfferedCatalog): object {
  const { metadata } = request.world.deps;
  const { signal } = request;
  const { namespaceId, namespace, version, docs, definitions } = catalog;
  const versions = async (): Promise<readonly ReturnType<typeof versionNode>[]> =>
    (await metadata.catalogVersions(namespaceId, signal)).map(versionNode);
  return {
    __typename: 'Catalog',
    namespace,
    isLatest: async () => (await versions()).every((each) => each.version <= version),
    ...versionNode(catalog),
    docs,
    definitions: () => definitions.map((each) => definitionNode(request, catalog, each)),
    definition: async ({ name }: { readonly name: string }) =>
      definitionNode(request, catalog, await requireDefinition(metadata, { catalog, name }, signal)),
    versions,
    changes: async ({ since }: { readonly since?: number | null }) => {
      const earlier = since ?? (await versions()).find((each) => each.version < version)?.version ?? null;
      const before =
        earlier === null
          ? { docs: '', definitions: [] }
          : await requireCatalog(metadata, { namespace, version: earlier, digest: null }, signal);
      return compareCatalogs(before, catalog).map(changeNode);
    },
    cacheVolume: async (args: OfferedVolumeArguments) =>
      volumeNode(request, await askForOffered(request, catalog, args)),
  };
}

interface Version {
  readonly version: number;
  readonly digest: string;
  readonly publishedAtMs: number;
  readonly by: string;
}

function versionNode({ version, digest, publishedAtMs, by }: Version): {
  readonly version: number;
  readonly digest: string;
  readonly publishedAt: string;
  readonly publishedBy: string;
} {
  return { version, digest, publishedAt: isoTime(publishedAtMs), publishedBy: by };
}

const kinds = { added: 'ADDED', removed: 'REMOVED', changed: 'CHANGED', deprecated: 'DEPRECATED' } as const;

export function changeNode({ name, kind, breaks, what }: DefinitionChange): object {
  return { name, kind: kinds[kind], breaks, what };
}

const tiers = { project: 'PROJECT', catalog: 'CATALOG' } as const;

export function definitionNode(request: ApiRequest, catalog: OfferedCatalog, definition: VolumeDefinition): object {
  const { metadata } = request.world.deps;
  const { name, tool, key, tier, sharing, compat, docs, deprecated } = definition;
  let found: Promise<readonly CatalogConsumer[]> | undefined;
  const consumers = async (): Promise<readonly CatalogConsumer[]> =>
    await (found ??= consumersOf(request, catalog, name));
  return {
    __typename: 'Definition',
    name,
    catalog: () => catalogNode(request, catalog),
    tool,
    key,
    tier: tiers[tier],
    sharing,
    compat: compatFields(compat).map(([field, value]) => ({ name: field, value })),
    docs,
    deprecated,
    consumers: async () => {
      const nodes: object[] = [];
      for (const each of await consumers()) nodes.push(await consumerNode(request, each));
      return nodes;
    },
    volumes: async () => {
      const nodes: object[] = [];
      for (const each of volumesOf(await consumers())) {
        const node = await volumeOf(request, each);
        if (node !== null) nodes.push(node);
      }
      return nodes;
    },
    usage: async () => {
      const { lastUsedAtMs, ...usage } = await definitionUsage(metadata, await consumers(), request.signal);
      return { ...usage, lastUsedAt: lastUsedAtMs === null ? null : isoTime(lastUsedAtMs) };
    },
  };
}

/** Returns the consumers of a definition. Only the catalog's owner sees other consumers. */
async function consumersOf(
  { world, caller, signal }: ApiRequest,
  { namespace, namespaceId }: OfferedCatalog,
  definition: string,
): Promise<readonly CatalogConsumer[]> {
  const { metadata } = world.deps;
  const publisher = (await metadata.namespace(namespaceId, signal))?.paths ?? [namespace];
  const isOwn = mayKnow(caller, publisher);
  const wanted = {
    namespaceId,
    definition,
    mayTell: (names: readonly Namespace[]) => isOwn || mayKnow(caller, names),
    mayTellVolume: (names: readonly Namespace[], volume: VolumeName) => isOwn || mayKnowVolume(caller, names, volume),
  };
  return await catalogConsumers(metadata, wanted, signal);
}

async function consumerNode(request: ApiRequest, consumer: CatalogConsumer): Promise<object> {
  const { record, version, usedAtMs, volume, heads, sizeBytes } = consumer;
  return {
    namespace: record.paths[0],
    version,
    usedAt: isoTime(usedAtMs),
    volume: volume === null ? null : await volumeOf(request, { volume, heads }),
    sizeBytes,
  };
}

/** A publisher may know that a consumer exists, but not read its volumes. */
async function volumeOf(request: ApiRequest, { volume, heads }: Held): Promise<object | null> {
  if (volume === null) return null;
  const record = await request.world.deps.metadata.namespace(volume.namespaceId, request.signal);
  const [namespace] = record?.paths ?? [];
  if (record === undefined || namespace === undefined) return null;
  if (!mayKnowVolume(request.caller, record.paths, volume.name)) return null;
  const { name: key, compat, tool } = volume;
  const subject = { namespace, record, key, compat, tool, ...nothingAsked };
  return volumeNode(request, subject, { volume, heads: heads.toSorted(byLane) });
}

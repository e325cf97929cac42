import type { Namespace, NamespaceRecord } from '@cachelane/core';
import { compareText } from '@cachelane/engine';
import { protocolVersion, schemaHash } from '@cachelane/protocol';
import { mayKnow, mayKnowOf } from '../request/caller.ts';
import { contextNode } from '../nodes/context-node.ts';
import { namespaceNode, policyNodes } from '../nodes/namespace-node.ts';
import { nodesPerPage, volumePage } from '../nodes/volume-page.ts';
import { volumeNode } from '../nodes/volume-node.ts';
import { pageOf, type Page, type PageArguments } from '../values/pages.ts';
import type { ApiRequest } from '../request/request.ts';
import { difference, type DiffArguments } from './difference.ts';
import { findNode } from './find-node.ts';
import { askForVolume, type CacheVolumeArguments } from '../volumes/ask-for-volume.ts';
import { catalog, catalogs, definition, type CatalogsArguments, type DefinitionArguments } from './catalogs.ts';
import type { CatalogArguments } from '../volumes/offered.ts';
import { keyIn, namespaceAt, namespaceIn } from '../volumes/find-volume.ts';
import { leases, sessions } from './sessions.ts';
import { usage, type UsageGroup } from './usage.ts';

interface NamespacesArguments extends PageArguments {
  readonly under?: string | null;
}

interface VolumesArguments extends NamespacesArguments {
  readonly namespace?: string | null;
  readonly key?: string | null;
}

/** Resolvers for the fields of `Query`. The engine's use cases decide; `nodes` format the result. */
export const queryRoot = {
  engine: (_: unknown, { world }: ApiRequest): object => ({
    version: world.version,
    protocolVersion,
    schemaHash: schemaHash(),
  }),
  context: (_: unknown, { caller }: ApiRequest): object => contextNode(caller.project),
  async namespace({ path }: { readonly path: string }, request: ApiRequest): Promise<object | null> {
    const asked = namespaceIn(path) as Namespace;
    if (!mayKnow(request.caller, [asked])) return null;
    const record = await request.world.deps.metadata.findNamespace(asked, request.signal);
    return record === undefined ? null : namespaceNode(request, record);
  },
  async namespaces({ under, ...page }: NamespacesArguments, request: ApiRequest): Promise<Page<object>> {
    const { world, caller, signal } = request;
    const isWanted = isAtOrUnder(namespaceIn(under));
    const all = (await world.deps.metadata.listNamespaces(signal))
      .filter(({ paths }) => mayKnow(caller, paths) && paths[0] !== undefined && isWanted(paths[0]))
      .toSorted((a, b) => compareText(a.paths[0] ?? '', b.paths[0] ?? ''));
    const { nodes, pageInfo } = pageOf({ all, keyOf: ({ paths }) => paths[0] ?? '', atMost: nodesPerPage }, page);
    return { nodes: nodes.map((record) => namespaceNode(request, record)), pageInfo };
  },
  cacheVolume: async (args: CacheVolumeArguments, request: ApiRequest): Promise<object> =>
    volumeNode(request, await askForVolume(request, args)),
  async volumes({ namespace, under, key, ...page }: VolumesArguments, request: ApiRequest): Promise<Page<object>> {
    const name = key === undefined || key === null ? null : keyIn(key);
    const namespaces = await askedNamespaces(request, namespaceIn(namespace), namespaceIn(under));
    return await volumePage(request, { namespaces, key: name }, page);
  },
  diff: async (args: DiffArguments, request: ApiRequest): Promise<object> => await difference(request, args),
  usage: async ({ by }: { readonly by: UsageGroup }, request: ApiRequest): Promise<readonly object[]> =>
    await usage(request, by),
  sessions: async (_: unknown, request: ApiRequest): Promise<readonly object[]> => await sessions(request),
  leases: async (_: unknown, request: ApiRequest): Promise<readonly object[]> => await leases(request),
  async policies(
    { namespace }: { readonly namespace?: string | null },
    request: ApiRequest,
  ): Promise<readonly object[]> {
    const asked = namespaceIn(namespace) ?? request.caller.project.context.namespace;
    const record = await namespaceAt(request, asked);
    return policyNodes(await request.world.policyOf(record?.paths[0] ?? asked));
  },
  catalog: async (args: CatalogArguments, request: ApiRequest): Promise<object> => await catalog(request, args),
  catalogs: async (args: CatalogsArguments, request: ApiRequest): Promise<Page<object>> =>
    await catalogs(request, args),
  definition: async (args: DefinitionArguments, request: ApiRequest): Promise<object> =>
    await definition(request, args),
  node: async ({ id }: { readonly id: string }, request: ApiRequest): Promise<object | null> =>
    await findNode(request, id),
} as const;

/** Finds a namespace by any of its names. Null: all of them. */
async function askedNamespaces(
  { world, caller, signal }: ApiRequest,
  asked: Namespace | null,
  under: Namespace | null,
): Promise<readonly NamespaceRecord[] | null> {
  const { metadata } = world.deps;
  if (asked === null && under === null) return null;
  // A namespace that the caller may not see is not looked up, so that the time reveals nothing.
  const isKnown = asked === null || mayKnowOf(caller, [asked]);
  const named = asked === null || !isKnown ? undefined : await metadata.findNamespace(asked, signal);
  const found = asked === null ? await metadata.listNamespaces(signal) : [named];
  const isWanted = isAtOrUnder(under);
  return found
    .filter((record) => record !== undefined)
    .filter(({ paths: [path] }) => path !== undefined && isWanted(path));
}

function isAtOrUnder(top: Namespace | null): (path: Namespace) => boolean {
  return (path) => top === null || path === top || path.startsWith(`${top}/`);
}

import { compatKey, type NamespaceRecord } from '@cachelane/core';
import { listHeads, type ListedHead } from '@cachelane/engine';
import { mayKnow } from '../caller.ts';
import { pageOf, type Page, type PageArguments } from '../pages.ts';
import type { ApiRequest } from '../request.ts';
import { volumeNode } from './volume-node.ts';

/** How many volumes or namespaces a page may have. */
export const nodesPerPage = 1000;

interface Listed extends ListedHead {
  readonly record: NamespaceRecord;
}

/** Volumes that hold something, of those that the caller may know of. */
export async function volumePage(
  request: ApiRequest,
  isWanted: (listed: ListedHead) => boolean,
  page: PageArguments,
): Promise<Page<object>> {
  const all = (await listedVolumes(request)).filter(isWanted);
  const { nodes, pageInfo } = pageOf({ all, keyOf, atMost: nodesPerPage }, page);
  return { nodes: nodes.map((listed) => volumeNode(request, subjectOf(listed))), pageInfo };
}

/** By namespace, key and compat; each once. */
async function listedVolumes(request: ApiRequest): Promise<readonly Listed[]> {
  const { world, caller, signal } = request;
  const records = new Map((await world.deps.metadata.listNamespaces(signal)).map((record) => [record.id, record]));
  const found = new Map<string, Listed>();
  for (const listed of await listHeads(world.deps.metadata, signal)) {
    const record = records.get(listed.volume.namespaceId);
    if (record !== undefined && mayKnow(caller, record.paths)) found.set(listed.volume.id, { ...listed, record });
  }
  return [...found.values()];
}

/** Spaces and lower characters are in no name, so the order is that of the parts. */
function keyOf({ namespace, volume }: ListedHead): string {
  return `${namespace} ${volume.name} ${compatKey(volume.compat)}`;
}

function subjectOf({ namespace, record, volume }: Listed): Parameters<typeof volumeNode>[1] {
  const { name: key, compat, tool } = volume;
  return { namespace, record, key, compat, tool, sharing: null, warnings: [] };
}

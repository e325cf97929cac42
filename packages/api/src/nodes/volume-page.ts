import { compatKey, type Namespace, type NamespaceRecord, type VolumeRecord } from '@cachelane/core';
import { compareText } from '@cachelane/engine';
import { mayKnow } from '../caller.ts';
import { pageOf, type Page, type PageArguments } from '../pages.ts';
import type { ApiRequest } from '../request.ts';
import { byLane, type Held } from './held.ts';
import { volumeNode } from './volume-node.ts';
import { nothingAsked } from './volume-subject.ts';

/** How many volumes or namespaces a page may have. */
export const nodesPerPage = 1000;

interface Listed extends Held {
  readonly namespace: Namespace;
  readonly record: NamespaceRecord;
  readonly volume: VolumeRecord;
}

/** Volumes that hold something, of those that the caller may know of. */
export async function volumePage(
  request: ApiRequest,
  isWanted: (listed: Listed) => boolean,
  page: PageArguments,
): Promise<Page<object>> {
  const all = (await listedVolumes(request)).filter(isWanted);
  const { nodes, pageInfo } = pageOf({ all, keyOf, atMost: nodesPerPage }, page);
  return { nodes: nodes.map((listed) => volumeNode(request, subjectOf(listed), listed)), pageInfo };
}

/** By namespace, key and compat; each once. */
async function listedVolumes(request: ApiRequest): Promise<readonly Listed[]> {
  const { world, caller, signal } = request;
  const { metadata } = world.deps;
  const records = new Map((await metadata.listNamespaces(signal)).map((record) => [record.id, record]));
  const heads = Map.groupBy(await metadata.listHeads(signal), ({ volumeId }) => volumeId);
  const found: Listed[] = [];
  for (const volume of await metadata.listVolumes(signal)) {
    const record = records.get(volume.namespaceId);
    const [namespace] = record?.paths ?? [];
    const own = heads.get(volume.id);
    if (own === undefined || record === undefined || namespace === undefined || !mayKnow(caller, record.paths))
      continue;
    found.push({ namespace, record, volume, heads: own.toSorted(byLane) });
  }
  return found.toSorted((a, b) => compareText(keyOf(a), keyOf(b)));
}

/** Spaces and lower characters are in no name, so the order is that of the parts. */
function keyOf({ namespace, volume }: Listed): string {
  return `${namespace} ${volume.name} ${compatKey(volume.compat)}`;
}

function subjectOf({ namespace, record, volume }: Listed): Parameters<typeof volumeNode>[1] {
  const { name: key, compat, tool } = volume;
  return { namespace, record, key, compat, tool, ...nothingAsked };
}

import { compatKey, type Namespace, type NamespaceRecord, type VolumeName, type VolumeRecord } from '@cachelane/core';
import { compareText } from '@cachelane/engine';
import { mayKnowOf } from '../request/caller.ts';
import { pageOf, type Page, type PageArguments } from '../values/pages.ts';
import type { ApiRequest } from '../request/request.ts';
import { byLane, type Held } from '../volumes/held.ts';
import { knownVolumes } from '../volumes/known-volumes.ts';
import { volumeNode } from './volume-node.ts';
import { nothingAsked } from '../volumes/volume-subject.ts';

/** Maximum number of volumes or namespaces in a page. */
export const nodesPerPage = 1000;

interface Listed extends Held {
  readonly namespace: Namespace;
  readonly record: NamespaceRecord;
  readonly volume: VolumeRecord;
}

export interface VolumesWanted {
  /** Namespaces to list; null: all. */
  readonly namespaces: readonly NamespaceRecord[] | null;
  /** Null: any key. */
  readonly key: VolumeName | null;
}

/** Returns a page of non-empty volumes that the caller may see. */
export async function volumePage(
  request: ApiRequest,
  { namespaces, key }: VolumesWanted,
  page: PageArguments,
): Promise<Page<object>> {
  const records = namespaces ?? (await request.world.deps.metadata.listNamespaces(request.signal));
  const known = records.filter(({ paths }) => mayKnowOf(request.caller, paths));
  // Volumes that the caller may not see are not read.
  const isWhole = namespaces === null && request.caller.project.context.bounds === undefined;
  const listed = await listedVolumes(request, known, isWhole);
  const all = key === null ? listed : listed.filter(({ volume }) => volume.name === key);
  const { nodes, pageInfo } = pageOf({ all, keyOf, atMost: nodesPerPage }, page);
  return { nodes: nodes.map((each) => volumeNode(request, subjectOf(each), each)), pageInfo };
}

/** Returns volumes by namespace, key and compat. `isWhole`: `known` has all namespaces. */
async function listedVolumes(
  request: ApiRequest,
  known: readonly NamespaceRecord[],
  isWhole: boolean,
): Promise<readonly Listed[]> {
  const { world, signal } = request;
  const { metadata } = world.deps;
  const records = new Map(known.map((record) => [record.id, record]));
  const volumes = isWhole ? [...(await metadata.listVolumes(signal))] : [];
  if (!isWhole) for (const record of known) volumes.push(...(await knownVolumes(request, record)));
  const ids = volumes.map(({ id }) => id);
  const all = isWhole ? await metadata.listHeads(signal) : await metadata.headsOf(ids, signal);
  const heads = Map.groupBy(all, ({ volumeId }) => volumeId);
  const found: Listed[] = [];
  for (const volume of volumes) {
    const record = records.get(volume.namespaceId);
    const [namespace] = record?.paths ?? [];
    const own = heads.get(volume.id);
    if (own === undefined || record === undefined || namespace === undefined) continue;
    found.push({ namespace, record, volume, heads: own.toSorted(byLane) });
  }
  return found.toSorted((a, b) => compareText(keyOf(a), keyOf(b)));
}

/** No name contains characters up to the space, so the text sorts by its parts. */
function keyOf({ namespace, volume }: Listed): string {
  return `${namespace} ${volume.name} ${compatKey(volume.compat)}`;
}

function subjectOf({ namespace, record, volume }: Listed): Parameters<typeof volumeNode>[1] {
  const { name: key, compat, tool } = volume;
  return { namespace, record, key, compat, tool, ...nothingAsked };
}

import { limits, type CollectionFacts, type CollectionQuestion, type LayerId, type Metadata } from '@cachelane/core';
import { aLayer, aQuestion, aRemote, countingIds, noAbort } from '@cachelane/testkit';
import { allShared, paths, type World } from './sharing-steps.fixture.ts';

// A metadata store for random operations, and everything a test can observe of it.

export const layers = Array.from({ length: 8 }, (_, index) => aLayer(`${index}`));
export const remotes = ['hub', 'backup'].map(aRemote);
/** Runs of other machines. */
const strangerIds = countingIds(1_000_000);
export const strangers = Array.from({ length: 3 }, () => strangerIds.run());
const startMs = 1_767_225_600_000;

/** Metadata and the layers on the disk. */
export interface StoredWorld extends World {
  readonly disk: Set<LayerId>;
  /**
   * What collections have seen so far: the last full listing, layers that were loose but not on disk, and forgotten
   * layers.
   */
  listed: ReadonlySet<LayerId> | null;
  absent: readonly LayerId[];
  forgotten: readonly LayerId[];
  /** The latest time so far. */
  latestMs: number;
}

export function worldOf(metadata: Metadata): StoredWorld {
  const seen = { listed: null, absent: [], forgotten: [] };
  return { metadata, ids: countingIds(), disk: new Set(), ...seen, nowMs: startMs, latestMs: startMs };
}

export async function askedOf(
  metadata: Metadata,
  nowMs: number,
  lanes: CollectionQuestion['lanes'],
): Promise<CollectionFacts> {
  const volumes = (await metadata.listVolumes(noAbort)).slice(0, 1).map(({ id }) => id);
  const gone = paths.slice(0, 1);
  const question = aQuestion({ lanes, nowMs, gone, layers: layers.slice(0, 4), volumes, namespace: paths[1] ?? null });
  return await metadata.collectionFacts(question, noAbort);
}

const inOrder = (list: readonly unknown[]): readonly string[] => list.map((each) => JSON.stringify(each)).toSorted();

/** Sorts the facts in one order for both stores. */
function sortedFacts({ lanePolicies, open, ...facts }: CollectionFacts): unknown {
  return {
    ...facts,
    lanePolicies: inOrder(lanePolicies),
    open: [...new Set(inOrder(open))],
    policies: inOrder(facts.policies.map(({ namespace, texts }) => [namespace, inOrder(Object.entries(texts))])),
  };
}

export async function everything(world: StoredWorld): Promise<unknown> {
  const { metadata, nowMs } = world;
  const heads = await metadata.listHeads(noAbort);
  const sessions = await metadata.listSessions(noAbort);
  return {
    namespaces: await metadata.listNamespaces(noAbort),
    volumes: await metadata.listVolumes(noAbort),
    sessionVolumes: await metadata.listSessionVolumes(noAbort),
    heads,
    sessions: sessions.map((session) => ({ ...session, pins: session.pins.toSorted() })),
    reads: await metadata.listReads(noAbort),
    revoked: await metadata.revokedRuns('all', noAbort),
    revokedHere: await Promise.all(
      (await metadata.listNamespaces(noAbort)).map(({ id }) => metadata.revokedRuns(id, noAbort)),
    ),
    squashes: await Promise.all(heads.map(({ volumeId, lane }) => metadata.squashes(volumeId, lane, noAbort))),
    history: await Promise.all(heads.map(({ volumeId, lane }) => metadata.history(volumeId, lane, noAbort))),
    layers: await Promise.all(layers.map((id) => metadata.layer(id, noAbort))),
    runs: await Promise.all([...heads.map(({ run }) => run), ...strangers].map((id) => metadata.run(id, noAbort))),
    synced: await Promise.all([null, ...remotes].map((remote) => metadata.listSyncedHeads(remote, noAbort))),
    referenced: [...(await metadata.referencedLayers(nowMs, noAbort))].toSorted(),
    due: sortedFacts(await askedOf(metadata, nowMs, 'due')),
    dueLater: sortedFacts(await askedOf(metadata, nowMs + 16 * 86_400_000, 'due')),
    facts: sortedFacts(await askedOf(metadata, nowMs, 'all')),
    lookedAtMs: await metadata.lookedAtMs(noAbort),
    shared: await allShared(world),
    expired: [...(await metadata.referencedLayers(nowMs + limits.historyMs + 1, noAbort))].toSorted(),
  };
}

/**
 * Returns the layers in records or on disk that nothing names and that are not loose. Only a full collection would
 * find them.
 */
export async function lostLayers({ metadata, disk, nowMs }: StoredWorld): Promise<readonly LayerId[]> {
  const known = await Promise.all(layers.map((id) => metadata.layer(id, noAbort)));
  // Expired rows still name layers until they are deleted.
  const named = await metadata.referencedLayers(0, noAbort);
  const { loose } = await askedOf(metadata, nowMs, 'due');
  const there = new Set([...known.flatMap((record) => (record === undefined ? [] : [record.id])), ...disk]);
  return [...there].filter((id) => !named.has(id) && !loose.has(id));
}

export interface HolderLook {
  readonly forgotten: readonly LayerId[];
  readonly unreferenced: readonly LayerId[];
}

/**
 * Compares the stored holders with the rows that name layers. Holds dropped because of time stay dropped when a
 * clock goes back.
 */
export async function lookAtHolders({ metadata, latestMs }: StoredWorld): Promise<HolderLook> {
  await metadata.forgetLayers([], latestMs, noAbort);
  const referenced = await metadata.referencedLayers(latestMs, noAbort);
  const unreferenced = layers.filter((id) => !referenced.has(id));
  const forgotten = await metadata.forgetLayers(layers, latestMs, noAbort);
  return { forgotten: forgotten.toSorted(), unreferenced: unreferenced.toSorted() };
}

import type { Metadata } from '@cachelane/core';

/** The calling process died here. Not a CachelaneError, so that nothing handles it. */
export class SimulatedCrash extends Error {
  override readonly name = 'SimulatedCrash';
}

export interface CrashPoint {
  /** Operation 1 is the first; numbers after the last do nothing. */
  readonly operation: number;
  /** `after`: the transaction took effect, but the caller never learns. */
  readonly when: 'before' | 'after';
}

/** Metadata of a process that dies, with its operation count. */
export interface CrashingMetadata extends Metadata {
  readonly operations: number;
}

/**
 * Metadata of a process that dies at one operation: that call and every later one throw {@link SimulatedCrash}. Earlier
 * changes stay in `inner`. To crash at each point in turn, first count the operations of an undisturbed run:
 *
 * ```ts
 * for (let operation = 1; operation <= undisturbed.operations; operation++) { … }
 * ```
 */
export function crashingMetadata(inner: Metadata, point: CrashPoint): CrashingMetadata {
  let operations = 0;
  let isDead = false;
  const die = (): never => {
    isDead = true;
    throw new SimulatedCrash(`${point.when} operation ${point.operation}`);
  };
  const step = async <T>(operation: () => Promise<T>): Promise<T> => {
    if (isDead) throw new SimulatedCrash('the process is already dead');
    const isPoint = ++operations === point.operation;
    if (isPoint && point.when === 'before') die();
    const result = await operation();
    if (isPoint) die();
    return result;
  };
  return {
    get operations() {
      return operations;
    },
    findNamespace: (path, signal) => step(() => inner.findNamespace(path, signal)),
    namespace: (id, signal) => step(() => inner.namespace(id, signal)),
    listNamespaces: (signal) => step(() => inner.listNamespaces(signal)),
    createNamespace: (request, signal) => step(() => inner.createNamespace(request, signal)),
    releaseNamespace: (id, signal) => step(() => inner.releaseNamespace(id, signal)),
    aliasNamespace: (from, to, signal) => step(() => inner.aliasNamespace(from, to, signal)),
    head: (volumeId, lane, signal) => step(() => inner.head(volumeId, lane, signal)),
    commit: (request, signal) => step(() => inner.commit(request, signal)),
    history: (volumeId, lane, signal) => step(() => inner.history(volumeId, lane, signal)),
    listHeads: (signal) => step(() => inner.listHeads(signal)),
    headsOf: (volumes, signal) => step(() => inner.headsOf(volumes, signal)),
    volume: (id, signal) => step(() => inner.volume(id, signal)),
    volumesHolding: (id, signal) => step(() => inner.volumesHolding(id, signal)),
    volumesOf: (namespaceId, signal) => step(() => inner.volumesOf(namespaceId, signal)),
    listVolumes: (signal) => step(() => inner.listVolumes(signal)),
    layer: (id, signal) => step(() => inner.layer(id, signal)),
    run: (id, signal) => step(() => inner.run(id, signal)),
    removeVolume: (volumeId, lane, signal) => step(() => inner.removeVolume(volumeId, lane, signal)),
    referencedLayers: (nowMs, signal) => step(() => inner.referencedLayers(nowMs, signal)),
    forgetLayers: (candidates, nowMs, signal) => step(() => inner.forgetLayers(candidates, nowMs, signal)),
    squashes: (volumeId, lane, signal) => step(() => inner.squashes(volumeId, lane, signal)),
    squash: (request, signal) => step(() => inner.squash(request, signal)),
    findRuns: (prefix, signal) => step(() => inner.findRuns(prefix, signal)),
    listReads: (signal) => step(() => inner.listReads(signal)),
    readsOf: (run, volumeId, signal) => step(() => inner.readsOf(run, volumeId, signal)),
    revokedRuns: (of, signal) => step(() => inner.revokedRuns(of, signal)),
    revokeRuns: (revocations, signal) => step(() => inner.revokeRuns(revocations, signal)),
    openSession: (request, signal) => step(() => inner.openSession(request, signal)),
    updateSession: (id, change, signal) => step(() => inner.updateSession(id, change, signal)),
    closeSession: (id, removeDirs, signal) => step(() => inner.closeSession(id, removeDirs, signal)),
    amongMounts: (id, use, signal) => step(() => inner.amongMounts(id, use, signal)),
    listSessions: (signal) => step(() => inner.listSessions(signal)),
    listSessionVolumes: (signal) => step(() => inner.listSessionVolumes(signal)),
    syncedHead: (remote, volumeId, lane, signal) => step(() => inner.syncedHead(remote, volumeId, lane, signal)),
    listSyncedHeads: (remote, signal) => step(() => inner.listSyncedHeads(remote, signal)),
    recordSynced: (request, signal) => step(() => inner.recordSynced(request, signal)),
    collectionFacts: (question, signal) => step(() => inner.collectionFacts(question, signal)),
    ownDirectories: (signal) => step(() => inner.ownDirectories(signal)),
    lookedAtMs: (signal) => step(() => inner.lookedAtMs(signal)),
    noteCollection: (note, signal) => step(() => inner.noteCollection(note, signal)),
    evict: (request, signal) => step(() => inner.evict(request, signal)),
    amongUnused: (keys, use, signal) => step(() => inner.amongUnused(keys, use, signal)),
    trimHistory: (request, signal) => step(() => inner.trimHistory(request, signal)),
    listEvictions: (signal) => step(() => inner.listEvictions(signal)),
    listPolicies: (signal) => step(() => inner.listPolicies(signal)),
    setPolicy: (namespace, key, text, signal) => step(() => inner.setPolicy(namespace, key, text, signal)),
    notedPaths: (volumeId, lane, note, signal) => step(() => inner.notedPaths(volumeId, lane, note, signal)),
    notePaths: (request, signal) => step(() => inner.notePaths(request, signal)),
    noteDirectories: (directories, signal) => step(() => inner.noteDirectories(directories, signal)),
    putGrant: (grant, signal) => step(() => inner.putGrant(grant, signal)),
    removeGrant: (key, signal) => step(() => inner.removeGrant(key, signal)),
    grantsOf: (ownerId, signal) => step(() => inner.grantsOf(ownerId, signal)),
    grantsTo: (names, signal) => step(() => inner.grantsTo(names, signal)),
    putFeed: (feed, signal) => step(() => inner.putFeed(feed, signal)),
    removeFeed: (key, signal) => step(() => inner.removeFeed(key, signal)),
    feedsOf: (tierId, signal) => step(() => inner.feedsOf(tierId, signal)),
    publishCatalog: (request, signal) => step(() => inner.publishCatalog(request, signal)),
    catalogVersion: (id, version, signal) => step(() => inner.catalogVersion(id, version, signal)),
    catalogVersions: (id, signal) => step(() => inner.catalogVersions(id, signal)),
    listCatalogs: (signal) => step(() => inner.listCatalogs(signal)),
    nextCatalogVersion: (id, signal) => step(() => inner.nextCatalogVersion(id, signal)),
    removeCatalogVersion: (id, version, signal) => step(() => inner.removeCatalogVersion(id, version, signal)),
    noteCatalogUse: (use, signal) => step(() => inner.noteCatalogUse(use, signal)),
    catalogUses: (id, definition, signal) => step(() => inner.catalogUses(id, definition, signal)),
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  };
}

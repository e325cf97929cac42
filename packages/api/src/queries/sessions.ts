import { compatFields, type NamespaceId, type NamespaceRecord } from '@cachelane/core';
import { isAlive, listLeases, type ListedLease } from '@cachelane/engine';
import { mayKnow, mayKnowVolume } from '../request/caller.ts';
import { isoTime } from '../values/iso-time.ts';
import { runNode } from '../nodes/run-node.ts';
import type { ApiRequest } from '../request/request.ts';

/** Returns running sessions, oldest first. */
export async function sessions(request: ApiRequest): Promise<readonly object[]> {
  const { world, signal } = request;
  const found: object[] = [];
  const all = await world.deps.metadata.listSessions(signal);
  const own = await ownNamespaces(request);
  for (const session of all.toSorted((a, b) => a.openedAtMs - b.openedAtMs)) {
    const id = session.namespaceId;
    const record = own === null ? await world.deps.metadata.namespace(id, signal) : own.get(id);
    if (record === undefined) continue;
    found.push({
      id: session.id,
      namespace: record.paths[0],
      lane: session.lane,
      run: async () => await runNode(request, session.run),
      openedAt: isoTime(session.openedAtMs),
      paths: session.targets,
      isAlive: async () => await isAlive(world.deps, session, signal),
    });
  }
  return found;
}

/** Returns leases of sessions and volumes that the caller may see. */
export async function leases(request: ApiRequest): Promise<readonly object[]> {
  const { world, caller, signal } = request;
  const own = await ownNamespaces(request);
  const leased = await listLeases(world.deps, signal, ({ namespaceId }) => own?.has(namespaceId) !== false);
  return leased
    .filter(({ namespace, volume }) => mayKnowVolume(caller, namespace.paths, volume.name))
    .map((lease) => leaseNode(request, lease));
}

/** Returns the namespaces of a confined session; null: any. It reads all, so that the time reveals nothing. */
async function ownNamespaces({
  world,
  caller,
  signal,
}: ApiRequest): Promise<ReadonlyMap<NamespaceId, NamespaceRecord> | null> {
  if (caller.project.context.bounds === undefined) return null;
  const all = await world.deps.metadata.listNamespaces(signal);
  return new Map(all.filter(({ paths }) => mayKnow(caller, paths)).map((record) => [record.id, record]));
}

function leaseNode(
  { signal }: ApiRequest,
  { leased, namespace, volume, session, isAlive: lives }: ListedLease,
): object {
  return {
    kind: leased.kind,
    namespace: namespace.paths[0],
    key: volume.name,
    compat: compatFields(volume.compat).map(([name, value]) => ({ name, value })),
    lane: 'lane' in leased ? leased.lane : null,
    layers: leased.kind === 'PIN' ? leased.layers.length : null,
    path: leased.kind === 'DIRECTORY' ? leased.path : null,
    session: session.id,
    run: session.run,
    since: isoTime(session.openedAtMs),
    isAlive: async () => await lives(signal),
  };
}

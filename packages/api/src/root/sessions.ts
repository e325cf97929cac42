import { compatFields, type NamespaceId } from '@cachelane/core';
import { isAlive, listLeases, type ListedLease } from '@cachelane/engine';
import { mayKnow } from '../caller.ts';
import { isoTime } from '../nodes/iso-time.ts';
import { runNode } from '../nodes/run-node.ts';
import type { ApiRequest } from '../request.ts';

/** Those at work, in the order in which they began. */
export async function sessions(request: ApiRequest): Promise<readonly object[]> {
  const { world, caller, signal } = request;
  const found: object[] = [];
  const all = await world.deps.metadata.listSessions(signal);
  for (const session of all.toSorted((a, b) => a.openedAtMs - b.openedAtMs)) {
    const record = await world.deps.metadata.namespace(session.namespaceId, signal);
    if (record === undefined || !mayKnow(caller, record.paths)) continue;
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

/** Those of sessions, and of volumes, that the caller may know of. */
export async function leases(request: ApiRequest): Promise<readonly object[]> {
  const { world, caller, signal } = request;
  const found: object[] = [];
  const sees = new Map<NamespaceId, boolean>();
  for (const lease of await listLeases(world.deps, signal)) {
    const { session, namespace } = lease;
    const known = sees.get(session.namespaceId) ?? (await knowsNamespace(request, session.namespaceId));
    sees.set(session.namespaceId, known);
    if (known && mayKnow(caller, namespace.paths)) found.push(leaseNode(request, lease));
  }
  return found;
}

async function knowsNamespace({ world, caller, signal }: ApiRequest, id: NamespaceId): Promise<boolean> {
  const record = await world.deps.metadata.namespace(id, signal);
  return record !== undefined && mayKnow(caller, record.paths);
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

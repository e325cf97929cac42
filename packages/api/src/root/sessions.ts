import { mayKnow } from '../caller.ts';
import { isoTime } from '../nodes/iso-time.ts';
import { runNode } from '../nodes/run-node.ts';
import type { ApiRequest } from '../request.ts';

/** Those at work, in the order in which they began. */
export async function sessions(request: ApiRequest): Promise<readonly object[]> {
  const { world, caller, signal } = request;
  const namespaces = new Map((await world.deps.metadata.listNamespaces(signal)).map((record) => [record.id, record]));
  const found: object[] = [];
  const all = await world.deps.metadata.listSessions(signal);
  for (const session of all.toSorted((a, b) => a.openedAtMs - b.openedAtMs)) {
    const record = namespaces.get(session.namespaceId);
    if (record === undefined || !mayKnow(caller, record.paths)) continue;
    found.push({
      id: session.id,
      namespace: record.paths[0],
      lane: session.lane,
      run: async () => await runNode(request, session.run),
      openedAt: isoTime(session.openedAtMs),
      paths: session.targets,
      isAlive: async () => await world.deps.leases.isHeld(session.id, signal),
    });
  }
  return found;
}

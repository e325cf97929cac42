import { AskedVolumes } from '../request/asked-volumes.ts';
import { callerOf } from '../request/caller.ts';
import { Client, Clients, type CallerPlace } from '../request/clients.ts';
import { EndedForks } from '../request/ended-forks.ts';
import { EntryCache } from '../request/entry-cache.ts';
import { executeOperation, executeStream, kindOf, refusal, type Answer, type Operation } from './execute.ts';
import { ForkRoom, forksOfEngine } from '../request/fork-room.ts';
import { Readings } from '../request/readings.ts';
import type { ApiRequest } from '../request/request.ts';
import type { World } from '../request/world.ts';

/** Who asks: a session by its token; null: the engine's own project. */
export type SessionToken = string | null;

/** One engine's API, whatever carries the documents to it. */
export interface Api extends AsyncDisposable {
  /** Never throws: whatever goes wrong is in the answer. */
  execute(operation: Operation, session: SessionToken, signal: AbortSignal): Promise<Answer>;
  /** For subscriptions: ends when the signal, or whoever reads, ends it. Never throws. */
  stream(operation: Operation, session: SessionToken, signal: AbortSignal): AsyncGenerator<Answer>;
  /** A subscription is for {@link stream}: it goes on until somebody ends it. Null for what cannot be read. */
  kindOf(operation: Operation): 'query' | 'mutation' | 'subscription' | null;
  /** Whether a session has this token, for endpoints that let its client in by it. */
  hasSession(token: string): boolean;
  /** Sessions at this moment. */
  readonly sessionCount: number;
  /** Ends sessions of which nothing was heard for a minute, and forgets what nobody read for as long: to be called now and then. */
  sweep(): Promise<void>;
}

/** `own`: where the engine was started, for whoever has no session. At the end what clients left is discarded, and what is under way comes to its end, also where nobody waits for it. */
export function openApi(world: World, own: CallerPlace): Api {
  const { clock, random } = world.deps;
  const room = new ForkRoom(forksOfEngine, null);
  const clients = new Clients({ clock, random, room });
  const client = new Client({ place: own, project: null, clock, room });
  const readings = new Readings();
  const entries = new EntryCache(readings, clock);
  const shared = { world, own, clients, readings, entries, asked: new AskedVolumes(), ended: new EndedForks() };
  const requestOf = async (token: SessionToken, signal: AbortSignal): Promise<ApiRequest> => {
    const asking = token === null ? client : clients.find(token);
    const project = asking.project ?? (await world.openProject(asking.place));
    return { ...shared, caller: await callerOf(world.deps, { project, client: asking, token }, signal), signal };
  };
  const underWay = new Set<Promise<Answer>>();
  const answer = async (operation: Operation, session: SessionToken, signal: AbortSignal): Promise<Answer> => {
    try {
      const request = await requestOf(session, signal);
      using _ = request.caller.client.working();
      return await executeOperation(operation, request);
    } catch (thrown) {
      return refusal(thrown);
    }
  };
  return {
    async execute(operation, session, signal) {
      const answered = answer(operation, session, signal);
      underWay.add(answered);
      try {
        return await answered;
      } finally {
        underWay.delete(answered);
      }
    },
    async *stream(operation, session, signal) {
      try {
        yield* executeStream(operation, await requestOf(session, signal));
      } catch (thrown) {
        yield refusal(thrown);
      }
    },
    kindOf,
    hasSession: (token) => clients.has(token),
    get sessionCount() {
      return clients.count;
    },
    async sweep() {
      entries.forgetUnused();
      await clients.sweep();
    },
    async [Symbol.asyncDispose]() {
      await using left = new AsyncDisposableStack();
      left.defer(async () => void (await Promise.all(underWay)));
      left.defer(async () => await client.leave());
      left.defer(async () => await clients.closeAll());
    },
  };
}

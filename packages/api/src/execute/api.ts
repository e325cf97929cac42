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

/** The token of the caller's session; null: the engine's own project. */
export type SessionToken = string | null;

/** The API of one engine, independent of the transport. */
export interface Api extends AsyncDisposable {
  /** Never throws: the answer contains the error. */
  execute(operation: Operation, session: SessionToken, signal: AbortSignal): Promise<Answer>;
  /** Answers a subscription until the signal aborts or the reader stops. Never throws. */
  stream(operation: Operation, session: SessionToken, signal: AbortSignal): AsyncGenerator<Answer>;
  /** Returns the kind of an operation; null if it cannot be parsed. Subscriptions go to {@link stream}. */
  kindOf(operation: Operation): 'query' | 'mutation' | 'subscription' | null;
  /** Returns whether an open session has this token. */
  hasSession(token: string): boolean;
  /** The number of open sessions. */
  readonly sessionCount: number;
  /** Ends idle sessions and drops unread entry lists. Call it periodically. */
  sweep(): Promise<void>;
}

/**
 * Opens the API of an engine that was started at `own`. Disposing it waits for running operations and discards open
 * forks.
 */
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

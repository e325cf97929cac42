import { variables } from '@cachelane/protocol';
import { done } from '../connection/answer.ts';
import type { Connection } from '../connection/connection.ts';
import type { Engine, EngineEvents } from './engine.ts';
import { context, createNamespace, events, leases, usage, volumes } from '../generated/operations.ts';
import type { EngineEvent } from '../generated/results.ts';
import { openFork } from './open-fork.ts';
import { openCatalog } from '../volume/open-catalog.ts';
import { openVolume } from '../volume/open-volume.ts';
import type { Scoping } from '../volume/scoping.ts';
import { itemsOf } from '../volume/pages.ts';
import { giveGrant, grantsOf, ownerIn, takeGrantBack } from '../volume/sharing.ts';

export interface OpenEngineOptions {
  readonly connection: Connection;
  readonly address: string;
  readonly scoping: Scoping;
  /** Whether closing it ends the session. */
  readonly isWhole: boolean;
}

/** Makes an engine. `derive` makes one for another namespace or scope. */
export function openEngine<E extends Engine>(
  { connection, address, scoping, isWhole }: OpenEngineOptions,
  derive: (scoping: Scoping) => E,
): Engine {
  const close = async (): Promise<void> => {
    if (isWhole) await connection[Symbol.asyncDispose]();
  };
  return {
    address,
    cacheVolume: (key, options = {}) => openVolume(connection, { kind: 'key', key, scoping, options }),
    catalog: (named, locked) => openCatalog(connection, { named, locked, scoping }),
    volume: (id) => openVolume(connection, { kind: 'id', id }),
    withNamespace: (namespace) => derive({ namespace, scope: [] }),
    scope: (...names) => derive({ ...scoping, scope: [...scoping.scope, ...names] }),
    async environment() {
      const session = await connection.sessionToken();
      return { [variables.address]: address, [variables.token]: session, [variables.session]: session };
    },
    context: async ({ signal } = {}) => (await connection.ask(context, {}, signal)).context,
    volumes: ({ namespace, under, key, pageSize: first = 100, signal } = {}) =>
      itemsOf(async (after) => {
        const page = await connection.ask(volumes, { namespace, under, key, first, after }, signal);
        return page.volumes;
      }),
    usage: async ({ by = 'NAMESPACE', signal } = {}) => (await connection.ask(usage, { by }, signal)).usage,
    leases: async ({ signal } = {}) => (await connection.ask(leases, {}, signal)).leases,
    createNamespace: async (path, { dryRun = false, signal } = {}) =>
      done((await connection.ask(createNamespace, { path, dryRun }, signal)).createNamespace),
    grants: async ({ namespace, ...options } = {}) => await grantsOf(connection, ownerIn(scoping, namespace), options),
    grantAll: async (to, { namespace, ...options } = {}) =>
      await giveGrant(connection, { namespace: ownerIn(scoping, namespace), key: null, to }, options),
    withdrawGrantAll: async (to, { namespace, ...options } = {}) =>
      await takeGrantBack(connection, { namespace: ownerIn(scoping, namespace), key: null, to }, options),
    attach: async (asked, options = {}) => await openFork(connection, asked, options),
    events: ({ signal } = {}) => openEvents(connection, signal),
    query: async <Result>(
      text: string,
      variables: Readonly<Record<string, unknown>> = {},
      { signal }: { readonly signal?: AbortSignal | undefined } = {},
    ) => await connection.askOnce<Result, typeof variables>({ name: null, text }, variables, signal),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Subscribes at once, not only when the first event is requested. */
function openEvents(connection: Connection, signal: AbortSignal | undefined): EngineEvents {
  const ending = new AbortController();
  const both = signal === undefined ? ending.signal : AbortSignal.any([ending.signal, signal]);
  const { promise: opened, resolve, reject } = Promise.withResolvers<void>();
  const answers = connection.subscribe(events, {}, { signal: both, onOpen: resolve, isInBackground: true });
  let first: Promise<IteratorResult<{ readonly events: EngineEvent }>> | null = answers.next();
  first.catch(reject);
  // The first event reports the same error.
  opened.catch(() => undefined);
  const stream: EngineEvents = {
    opened,
    async next() {
      const next = first ?? answers.next();
      first = null;
      const { done, value } = await whileAwake(next);
      return done === true ? { done, value: undefined } : { value: value.events };
    },
    async return() {
      ending.abort();
      await answers.return(undefined).catch(() => undefined);
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => stream,
  };
  return stream;
}

const longestTimerMs = 2 ** 31 - 1;

/** Keeps the program alive while it waits for an event. An unread stream does not keep it alive. */
async function whileAwake<T>(work: Promise<T>): Promise<T> {
  const awake = setInterval(() => undefined, longestTimerMs);
  try {
    return await work;
  } finally {
    clearInterval(awake);
  }
}

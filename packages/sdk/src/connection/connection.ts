import { protocolVersion, sessionHeader } from '@cachelane/protocol';
import { dataOf } from './answer.ts';
import { CachelaneError, isCachelaneError } from '../errors/errors.ts';
import { aborted, unreachable } from '../errors/failures.ts';
import { closeSession, engineFacts, events, openSession } from '../generated/operations.ts';
import type { Operation } from '../wire/operation.ts';
import { repeat } from './repeat.ts';
import { serverSentEvents } from '../wire/server-sent-events.ts';
import type { SessionPlace } from './session-place.ts';
import type { Transport, TransportResponse } from '../wire/transport.ts';

export interface ConnectionOptions {
  readonly transport: Transport;
  /** The engine's token; null if its transport needs none. */
  readonly token: string | null;
  /** The token of a session opened elsewhere; null: opens its own. */
  readonly session: string | null;
  readonly place: SessionPlace;
}

/** An idle session ends after a minute. */
const heartbeatMs = 15_000;

interface Asked {
  readonly body: string;
  readonly session: string | null;
  readonly signal: AbortSignal | undefined;
  readonly accept: string;
  readonly isInBackground?: boolean;
}

/** An unread event stream. The session lives while it is open. */
interface Held {
  readonly opened: Promise<void>;
  readonly end: () => void;
}

/** A program's session with an engine, kept alive until it is closed. */
export class Connection implements AsyncDisposable {
  private readonly transport: Transport;
  private readonly token: string | null;
  private readonly given: string | null;
  private readonly place: SessionPlace;
  private readonly closing = new AbortController();
  private session: Promise<string> | null = null;
  private timer: ReturnType<typeof setInterval> | undefined;
  private holders = 0;
  private held: Held | null = null;

  constructor({ transport, token, session, place }: ConnectionOptions) {
    this.transport = transport;
    this.token = token;
    this.given = session;
    this.place = place;
  }

  /** Errors: E_ENGINE_GONE, E_ENGINE_DENIED, E_USAGE for an engine with another protocol, and those of the project. */
  async open(signal: AbortSignal | undefined): Promise<void> {
    const { engine } = await this.sendOnce(engineFacts, {}, { session: null, signal });
    if (engine.protocolVersion !== protocolVersion) {
      throw new CachelaneError(
        'E_USAGE',
        `the engine is cachelane ${engine.version} with protocol version ${engine.protocolVersion}; this client needs version ${protocolVersion}`,
        { hint: 'use matching versions of cachelane and @cachelane/sdk' },
      );
    }
    if (this.given === null) await this.openedSession(signal);
  }

  /** Returns the operation's result. Repeats it if the answer was lost, see {@link repeat}. */
  async ask<R, V>(operation: Operation<R, V>, variables: V, signal: AbortSignal | undefined): Promise<R> {
    const { signal: closing } = this.closing;
    const ending = signal === undefined ? closing : AbortSignal.any([closing, signal]);
    const attempt = async (): Promise<R> => await this.askOnce(operation, variables, signal);
    return await repeat({ operation, variables, signal: ending }, attempt);
  }

  /**
   * For operations that must not be repeated. If the engine forgot the session, opens a new one and sends the request
   * once more: it was not carried out before.
   */
  async askOnce<R, V>(operation: Operation<R, V>, variables: V, signal: AbortSignal | undefined): Promise<R> {
    return await this.inSession(async (session) => await this.sendOnce(operation, variables, { session, signal }));
  }

  /**
   * Yields answers as they arrive. Calls `onOpen` when the engine has accepted the subscription. Errors: E_ENGINE_GONE
   * if the stream breaks.
   */
  async *subscribe<R, V>(
    operation: Operation<R, V>,
    variables: V,
    { signal, onOpen, isInBackground = false }: Subscribing,
  ): AsyncGenerator<R> {
    const body = bodyOf(operation, variables);
    const response = await this.inSession(async (session) => {
      const asked = { body, session, signal, accept: 'text/event-stream', isInBackground };
      const opened = await this.post(asked);
      if (!opened.contentType.startsWith('text/event-stream')) dataOf(await opened.text(), this.transport.address);
      return opened;
    });
    onOpen?.();
    try {
      for await (const { event, data } of serverSentEvents(response.chunks())) {
        if (event === 'complete') return;
        if (event === 'next') yield dataOf(data, this.transport.address) as R;
      }
    } catch (error) {
      throw this.failure(error, signal);
    }
    if (signal?.aborted === true) throw aborted(signal);
    throw this.failure(new Error('it broke off'), signal);
  }

  /**
   * Keeps the session alive while the program is too busy for heartbeats. Resolves when the engine knows, or cannot be
   * reached.
   */
  async hold(): Promise<Disposable> {
    this.holders += 1;
    this.listen();
    await this.held?.opened;
    let isHeld = true;
    return {
      [Symbol.dispose]: () => {
        if (!isHeld) return;
        isHeld = false;
        this.holders -= 1;
        if (this.holders === 0) this.held?.end();
      },
    };
  }

  /** Returns the token of the current session. Errors: as for opening one. */
  async sessionToken(): Promise<string> {
    this.closing.signal.throwIfAborted();
    return this.given ?? (await this.openedSession());
  }

  /** Ends the session if this connection opened it. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.closing.signal.aborted) return;
    this.closing.abort(new CachelaneError('E_ABORTED', 'the engine was closed'));
    clearInterval(this.timer);
    this.held?.end();
    try {
      const session = this.given === null ? await this.session : null;
      // The engine discards open forks. An engine that is gone has already done so.
      if (session !== null) await this.sendOnce(closeSession, {}, { session, signal: undefined });
    } catch {
      return;
    } finally {
      this.transport.close();
    }
  }

  private failure(thrown: unknown, signal: AbortSignal | undefined): CachelaneError {
    const { signal: closing } = this.closing;
    // Requests that are running while the engine is closed lose their connection.
    return closing.aborted && !isCachelaneError(thrown)
      ? (closing.reason as CachelaneError)
      : unreachable(thrown, this.transport.address, signal);
  }

  private async inSession<T>(work: (session: string) => Promise<T>): Promise<T> {
    this.closing.signal.throwIfAborted();
    const opened = this.given === null ? this.openedSession() : Promise.resolve(this.given);
    try {
      return await work(await opened);
    } catch (error) {
      if (this.given !== null || !isCachelaneError(error, 'E_SESSION_GONE')) throw error;
      if (this.session === opened) this.session = null;
      return await work(await this.openedSession());
    }
  }

  /** Calls share the session, so only the first call's signal can end its opening. */
  private openedSession(first?: AbortSignal): Promise<string> {
    if (this.session !== null) return this.session;
    const signals = [this.closing.signal, ...(first === undefined ? [] : [first])];
    const session = this.openNew(AbortSignal.any(signals));
    this.session = session;
    session.catch(() => {
      if (this.session === session) this.session = null;
    });
    return session;
  }

  private async openNew(signal: AbortSignal): Promise<string> {
    const { directory, namespace, isConfined: confine, environment } = this.place;
    const { openSession: opened } = await this.sendOnce(
      openSession,
      { directory, namespace, confine, environment },
      { session: null, signal },
    );
    if (opened === null) throw new CachelaneError('E_INTERNAL', 'the engine did not open a session');
    this.startHeartbeats();
    return opened.token;
  }

  private startHeartbeats(): void {
    if (this.timer !== undefined || this.closing.signal.aborted) return;
    this.timer = setInterval(() => {
      // The next call reports the error.
      this.ask(engineFacts, {}, this.closing.signal).catch(() => undefined);
      if (this.holders > 0) this.listen();
    }, heartbeatMs);
    // Lets an idle program end. Browsers have numbers as timers, without `unref`.
    const { unref } = this.timer as { readonly unref?: () => unknown };
    unref?.call(this.timer);
  }

  private listen(): void {
    if (this.held !== null || !this.transport.canBeInBackground || this.closing.signal.aborted) return;
    const ending = new AbortController();
    const { promise: opened, resolve } = Promise.withResolvers<void>();
    const held = { opened, end: () => ending.abort() };
    this.held = held;
    // If the stream breaks, the next heartbeat opens it again.
    void this.drain(ending.signal, resolve)
      .catch(() => undefined)
      .finally(() => {
        if (this.held === held) this.held = null;
        resolve();
      });
  }

  private async drain(signal: AbortSignal, onOpen: () => void): Promise<void> {
    for await (const _ of this.subscribe(events, {}, { signal, onOpen, isInBackground: true }));
  }

  private async sendOnce<R, V>(
    operation: Operation<R, V>,
    variables: V,
    { session, signal }: Pick<Asked, 'session' | 'signal'>,
  ): Promise<R> {
    const accept = 'application/json';
    const response = await this.post({ body: bodyOf(operation, variables), session, signal, accept });
    let text: string;
    try {
      text = await response.text();
    } catch (error) {
      throw this.failure(error, signal);
    }
    return dataOf(text, this.transport.address) as R;
  }

  private async post({ body, session, signal, accept, isInBackground = false }: Asked): Promise<TransportResponse> {
    if (signal?.aborted === true) throw aborted(signal);
    const headers = {
      accept,
      'content-type': 'application/json',
      ...(this.token === null ? {} : { authorization: `Bearer ${this.token}` }),
      ...(session === null ? {} : { [sessionHeader]: session }),
    };
    try {
      return await this.transport.post({ headers, body, signal, isInBackground });
    } catch (error) {
      throw this.failure(error, signal);
    }
  }
}

export interface Subscribing {
  readonly signal: AbortSignal | undefined;
  readonly onOpen?: () => void;
  readonly isInBackground?: boolean;
}

function bodyOf<R, V>({ name, text }: Operation<R, V>, variables: V): string {
  return JSON.stringify({ query: text, variables, operationName: name });
}

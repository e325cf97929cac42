import { hash } from 'node:crypto';
import { CachelaneError, type Clock, type EngineEvent, type EventSink, type Random } from '@cachelane/core';
import type { Fork } from '@cachelane/engine';
import { EventFeed } from './event-feed.ts';
import { forksOfClient, ForkRoom } from './fork-room.ts';
import type { ApiProject, ProjectPlace } from './world.ts';

/** Idle time after which a session ends. */
export const sessionIdleMs = 60_000;

/** Maximum number of open sessions. */
const sessionsAtMost = 10_000;

/** Maximum characters of the environments of all sessions: a thousand of the largest possible ones. */
const environmentsAtMost = 33_554_432;

/** The caller's place, from the endpoint or its session. */
export type CallerPlace = ProjectPlace;

export interface ClientOptions {
  readonly place: CallerPlace;
  readonly project: ApiProject | null;
  readonly clock: Clock;
  /** The fork limit shared by all clients. */
  readonly room: ForkRoom;
}

export interface AttachedFork {
  /** The id that the client was given. No other spelling of it is accepted. */
  readonly id: string;
  readonly fork: Fork;
}

export interface HeldFork extends AttachedFork {
  /** Disposed when the fork has ended. */
  readonly place: Disposable;
}

/** A fork request that may be repeated. */
interface Attaching {
  /** The client's idempotency key. */
  readonly key: string;
  /** The request as text. */
  readonly asked: string;
  readonly signal: AbortSignal;
}

interface Keyed {
  /** A digest of the request. */
  readonly asked: string;
  readonly attached: Promise<AttachedFork>;
  /** The fork's id; null: not open yet. */
  id: string | null;
}

/** One client of the engine, with its forks. */
export class Client {
  readonly place: CallerPlace;
  /** The project as it was when the session opened; null: the project of the directory, read again for each request. */
  readonly project: ApiProject | null;
  readonly feed: EventFeed = new EventFeed();
  /** Identifies the client, also after it has left. */
  readonly mark: symbol = Symbol('client');
  heardAtMs: number;
  private readonly clock: Clock;
  private readonly forks = new Map<string, HeldFork>();
  /** Forks by idempotency key, open or being opened. */
  private readonly keyed = new Map<string, Keyed>();
  private readonly room: ForkRoom;
  private hasLeft = false;
  private atWork = 0;

  constructor({ place, project, clock, room }: ClientOptions) {
    this.place = place;
    this.project = project;
    this.clock = clock;
    this.room = new ForkRoom(forksOfClient, room);
    this.heardAtMs = clock.monotonicMs();
  }

  readonly events: EventSink = (event: EngineEvent) => this.feed.tell({ atMs: this.clock.nowMs(), event });

  /** Keeps the session alive while a request runs. */
  working(): Disposable {
    this.atWork += 1;
    return {
      [Symbol.dispose]: () => {
        this.atWork -= 1;
        this.heardAtMs = this.clock.monotonicMs();
      },
    };
  }

  isSilentSince(ms: number): boolean {
    return this.heardAtMs < ms && this.atWork === 0 && !this.feed.isHeard;
  }

  /**
   * Returns the open fork with this key, or opens one. A client that retries gets its fork and does not wait for its
   * own lock. Errors: E_USAGE if the key belongs to another request, and those of {@link keep}.
   */
  async keepOnce({ key, asked: text, signal }: Attaching, open: () => Promise<AttachedFork>): Promise<AttachedFork> {
    const asked = hash('sha256', text);
    for (let known = this.keyed.get(key); known !== undefined; known = this.keyed.get(key)) {
      if (known.asked !== asked) {
        throw new CachelaneError('E_USAGE', 'another attach request has this key', {
          hint: 'use a new key for each attach',
        });
      }
      // The first request may have been aborted; then this one opens the fork.
      const attached = await known.attached.catch(() => null);
      if (attached !== null && this.forks.has(attached.id)) return attached;
      if (this.keyed.get(key) === known) this.keyed.delete(key);
    }
    const keyed: Keyed = { asked, attached: this.keep(open, signal), id: null };
    this.keyed.set(key, keyed);
    try {
      const attached = await keyed.attached;
      keyed.id = attached.id;
      return attached;
    } catch (error) {
      if (this.keyed.get(key) === keyed) this.keyed.delete(key);
      throw error;
    }
  }

  /** Opens and keeps a fork. Discards it if the client left or aborted. Errors: E_LIMIT, E_ABORTED, and those of `open`. */
  async keep(open: () => Promise<AttachedFork>, signal: AbortSignal): Promise<AttachedFork> {
    using place = new DisposableStack();
    place.use(this.room.take());
    const attached = await open();
    if (!this.hasLeft && !signal.aborted) {
      this.forks.set(attached.id, { ...attached, place: place.move() });
      return attached;
    }
    await attached.fork.discard();
    throw new CachelaneError('E_ABORTED', 'the client left before the fork was attached');
  }

  /** Returns the open fork with this id. */
  fork(id: string): Fork | undefined {
    return this.forks.get(id)?.fork;
  }

  /** Commits a fork. If that fails and the fork is still open, the client can retry. */
  async commit({ id, fork }: AttachedFork, exitCode = 0): ReturnType<Fork['commit']> {
    try {
      return await fork.commit(exitCode);
    } finally {
      if (fork.isOpen && this.hasLeft) await fork.discard();
      if (!fork.isOpen) this.take(id)?.place[Symbol.dispose]();
    }
  }

  /** Removes and returns a fork, so that only one caller ends it. */
  take(id: string): HeldFork | undefined {
    const held = this.forks.get(id);
    this.forks.delete(id);
    for (const [key, keyed] of this.keyed) if (keyed.id === id) this.keyed.delete(key);
    return held;
  }

  /** Discards all forks, then throws the first error if one failed. */
  async leave(): Promise<void> {
    this.hasLeft = true;
    this.feed.close();
    await using left = new AsyncDisposableStack();
    for (const { fork, place } of this.forks.values()) {
      left.use(place);
      left.defer(async () => await fork.discard());
    }
    this.forks.clear();
  }
}

export interface ClientsOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly room: ForkRoom;
}

/** The clients of one engine, by session token. */
export class Clients {
  private readonly all = new Map<string, Client>();
  private readonly clock: Clock;
  private readonly random: Random;
  /** Characters in the environments of all sessions. */
  private environments = 0;

  private readonly room: ForkRoom;

  /** `room` limits the forks of all clients. */
  constructor({ clock, random, room }: ClientsOptions) {
    this.clock = clock;
    this.random = random;
    this.room = room;
  }

  get count(): number {
    return this.all.size;
  }

  /** Opens a session for a project. Errors: E_LIMIT. */
  open(place: CallerPlace, project: ApiProject): { readonly token: string; readonly client: Client } {
    if (this.all.size >= sessionsAtMost) {
      throw new CachelaneError('E_LIMIT', `there are already ${sessionsAtMost} sessions, which is the limit`, {
        hint: 'close sessions that are not needed any more',
        retryable: true,
      });
    }
    const environment = charactersOf(place.environment);
    if (this.environments + environment > environmentsAtMost) {
      throw new CachelaneError('E_LIMIT', 'the environments of all sessions have more than 32 Mi characters', {
        hint: 'send only variables that configure tools or identify the CI run',
        retryable: true,
      });
    }
    const token = Buffer.from(this.random.bytes(32)).toString('base64url');
    const client = new Client({
      place,
      project: place.isConfined ? project : null,
      clock: this.clock,
      room: this.room,
    });
    this.all.set(token, client);
    this.environments += environment;
    return { token, client };
  }

  has(token: string): boolean {
    return this.all.has(token);
  }

  /** Returns the session's client. Errors: E_SESSION_GONE, whose message never contains the secret token. */
  find(token: string): Client {
    const client = this.all.get(token);
    if (client !== undefined) {
      client.heardAtMs = this.clock.monotonicMs();
      return client;
    }
    throw new CachelaneError('E_SESSION_GONE', 'there is no such session: it was closed, or it was idle for a minute', {
      hint: 'open another one',
    });
  }

  async close(token: string): Promise<boolean> {
    const client = this.all.get(token);
    this.all.delete(token);
    if (client === undefined) return false;
    this.environments -= charactersOf(client.place.environment);
    await client.leave();
    return true;
  }

  /** Ends idle sessions without listeners. */
  async sweep(): Promise<void> {
    const before = this.clock.monotonicMs() - sessionIdleMs;
    for (const [token, client] of this.all) {
      if (client.isSilentSince(before)) await this.close(token);
    }
  }

  async closeAll(): Promise<void> {
    await using left = new AsyncDisposableStack();
    for (const token of this.all.keys()) left.defer(async () => void (await this.close(token)));
  }
}

function charactersOf(environment: CallerPlace['environment']): number {
  return Object.entries(environment ?? {}).reduce((sum, [name, value]) => sum + name.length + value.length, 0);
}

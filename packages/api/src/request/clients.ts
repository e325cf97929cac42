import { hash } from 'node:crypto';
import { CachelaneError, type Clock, type EngineEvent, type EventSink, type Random } from '@cachelane/core';
import type { Fork } from '@cachelane/engine';
import { EventFeed } from './event-feed.ts';
import { forksOfClient, ForkRoom } from './fork-room.ts';
import type { ApiProject, ProjectPlace } from './world.ts';

/** How long a session lives of which nothing is heard. */
export const sessionIdleMs = 60_000;

/** Sessions at one time: each may have a program behind it. */
const sessionsAtMost = 10_000;

/** Characters of the environments of all sessions together: a thousand of the largest that a request can bring. */
const environmentsAtMost = 33_554_432;

/** Who asks, as the endpoint found out, or a session says. */
export type CallerPlace = ProjectPlace;

export interface ClientOptions {
  readonly place: CallerPlace;
  readonly project: ApiProject | null;
  readonly clock: Clock;
  /** For the forks of all clients. */
  readonly room: ForkRoom;
}

export interface AttachedFork {
  /** What its client was told, to the letter: whoever says anything else does not have it. */
  readonly id: string;
  readonly fork: Fork;
}

export interface HeldFork extends AttachedFork {
  /** Given back when the fork has ended. */
  readonly place: Disposable;
}

/** A request for a fork that may come again. */
interface Attaching {
  /** The client's own name for it. */
  readonly key: string;
  /** What it asks for, as text. */
  readonly asked: string;
  readonly signal: AbortSignal;
}

interface Keyed {
  /** A digest of what was asked for, which may be long. */
  readonly asked: string;
  readonly attached: Promise<AttachedFork>;
  /** Of the fork; null: it is not there yet. */
  id: string | null;
}

/** One client of the engine, and what it has at hand. */
export class Client {
  readonly place: CallerPlace;
  /** What it is bound to, as it was when it came; null: what its directory says at any time, which whoever works there may change. */
  readonly project: ApiProject | null;
  readonly feed: EventFeed = new EventFeed();
  /** Tells it from others, also when it has gone. */
  readonly mark: symbol = Symbol('client');
  heardAtMs: number;
  private readonly clock: Clock;
  private readonly forks = new Map<string, HeldFork>();
  /** Attached, or about to be, by the client's own names for that. */
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

  /** What it waits for is heard of it until it has come. */
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
   * The fork that was attached under this key, as long as it has not ended; else one that `open` makes. So a client that lost an answer gets what it has already, and does not wait for a lock that it holds itself.
   * Errors: E_USAGE where the key is that of another request, and those of {@link keep}.
   */
  async keepOnce({ key, asked: text, signal }: Attaching, open: () => Promise<AttachedFork>): Promise<AttachedFork> {
    const asked = hash('sha256', text);
    for (let known = this.keyed.get(key); known !== undefined; known = this.keyed.get(key)) {
      if (known.asked !== asked) {
        throw new CachelaneError('E_USAGE', 'this key is that of another attach', { hint: 'give each its own key' });
      }
      // Whoever asked before may have gone meanwhile, and what it waited for with it.
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

  /**
   * Keeps the fork that `open` makes, until somebody takes it. One that was made for a client that has left meanwhile, or waits for it no more, is nobody's. Errors: E_LIMIT, E_ABORTED, and those of
   * `open`.
   */
  async keep(open: () => Promise<AttachedFork>, signal: AbortSignal): Promise<AttachedFork> {
    using place = new DisposableStack();
    place.use(this.room.take());
    const attached = await open();
    if (!this.hasLeft && !signal.aborted) {
      this.forks.set(attached.id, { ...attached, place: place.move() });
      return attached;
    }
    await attached.fork.discard();
    throw new CachelaneError('E_ABORTED', 'the client has gone while it attached');
  }

  /** A fork that has not ended. */
  fork(id: string): Fork | undefined {
    return this.forks.get(id)?.fork;
  }

  /** It is at hand until it has ended: what failed can be asked again, as long as the client is there. */
  async commit({ id, fork }: AttachedFork, exitCode = 0): ReturnType<Fork['commit']> {
    try {
      return await fork.commit(exitCode);
    } finally {
      if (fork.isOpen && this.hasLeft) await fork.discard();
      if (!fork.isOpen) this.take(id)?.place[Symbol.dispose]();
    }
  }

  /** Hands a fork out for its end, after which it counts no more: whoever comes second finds none. */
  take(id: string): HeldFork | undefined {
    const held = this.forks.get(id);
    this.forks.delete(id);
    for (const [key, keyed] of this.keyed) if (keyed.id === id) this.keyed.delete(key);
    return held;
  }

  /** Discards what it left; all of it, also where something cannot be, and then throws why. */
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

/** The clients of one engine, by the tokens of their sessions. */
export class Clients {
  private readonly all = new Map<string, Client>();
  private readonly clock: Clock;
  private readonly random: Random;
  /** Characters of their environments. */
  private environments = 0;

  private readonly room: ForkRoom;

  /** `room`: for the forks of all of them. */
  constructor({ clock, random, room }: ClientsOptions) {
    this.clock = clock;
    this.random = random;
    this.room = room;
  }

  get count(): number {
    return this.all.size;
  }

  /** `project`: that of the place. Errors: E_LIMIT. */
  open(place: CallerPlace, project: ApiProject): { readonly token: string; readonly client: Client } {
    if (this.all.size >= sessionsAtMost) {
      throw new CachelaneError('E_LIMIT', `there are ${sessionsAtMost} sessions, and no more at one time`, {
        hint: 'close those that are not needed any more',
        retryable: true,
      });
    }
    const environment = charactersOf(place.environment);
    if (this.environments + environment > environmentsAtMost) {
      throw new CachelaneError('E_LIMIT', 'the environments of all sessions come to more than 32 Mi characters', {
        hint: 'send the variables that tools and CI systems are set by',
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

  /** Errors: E_SESSION_GONE. The token is a secret, and in no message. */
  find(token: string): Client {
    const client = this.all.get(token);
    if (client !== undefined) {
      client.heardAtMs = this.clock.monotonicMs();
      return client;
    }
    throw new CachelaneError(
      'E_SESSION_GONE',
      'there is no such session: it was closed, or nothing was heard of it for a minute',
      {
        hint: 'open another one',
      },
    );
  }

  async close(token: string): Promise<boolean> {
    const client = this.all.get(token);
    this.all.delete(token);
    if (client === undefined) return false;
    this.environments -= charactersOf(client.place.environment);
    await client.leave();
    return true;
  }

  /** Ends sessions of which nothing was heard, and that nobody listens to. */
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

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { CachelaneError } from '@cachelane/core';
import type { Api, SessionToken } from '../execute/api.ts';
import { answerError } from '../execute/answer-error.ts';
import type { Answer, Operation } from '../execute/execute.ts';
import { openGuard, sessionOf, type Guarded } from './guard.ts';
import { HeldBytes } from './held-bytes.ts';
import { listen, type ListenAt } from './listen.ts';
import { operationIn, readBody } from './read-operation.ts';
import { busy, refusalFor, refused, type Refused } from './refused.ts';
import { answerBroken, mediaTypeFor, send, sendRefusal, statusOf, wantsStream } from './respond.ts';
import { sendStream } from './send-stream.ts';
import { serverLimits, type ServerLimits } from './server-limits.ts';
import { Turns } from './turns.ts';

export interface ServerOptions {
  readonly api: Api;
  readonly at: ListenAt;
  /** Called when the number of connections changes that have sent an accepted request. */
  readonly onClients?: (count: number) => void;
  readonly limits?: Partial<ServerLimits>;
}

export interface ApiServer {
  /** `unix:/path`, or `http://127.0.0.1:PORT`. */
  readonly address: string;
  /**
   * Stops accepting requests, finishes the running ones, and closes. If not patient, it aborts them; a save still
   * completes.
   */
  stop(how?: { readonly isPatient: boolean }): Promise<void>;
  /** Aborts everything and closes all connections. */
  abort(): void;
}

/** An operation, from its start until its answer was sent. */
interface Work {
  readonly socket: Socket;
  readonly response: ServerResponse;
  readonly controller: AbortController;
  /** Whether it is a subscription. */
  readonly isStream: boolean;
}

/** An encoded answer. */
interface Encoded {
  readonly answer: Answer;
  readonly body: Buffer;
}

/** Errors: E_USAGE if it cannot listen. */
export async function startServer(options: ServerOptions): Promise<ApiServer> {
  const limits: ServerLimits = { ...serverLimits, ...options.limits };
  const server = createServer({
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    connectionsCheckingInterval: Math.min(1000, limits.headersMs),
    // A waiting client keeps its connection until it closes it.
    keepAliveTimeout: 0,
    // The guard answers requests without Host in JSON.
    requireHostHeader: false,
  });
  server.maxConnections = limits.connections;
  const desk = new Desk(server, options, limits);
  const { remove, ...address } = await listen(server, options.at, limits.backlog);
  const { api, at } = options;
  const hasSession = (token: string): boolean => api.hasSession(token);
  desk.open(at.kind === 'port' ? { ...at, port: address.port, hasSession } : at);
  return {
    address: address.text,
    stop: async ({ isPatient } = { isPatient: true }) => {
      await desk.stop(isPatient);
      remove();
    },
    abort: () => {
      desk.abort();
    },
  };
}

class Desk {
  private readonly server: Server;
  private readonly options: ServerOptions;
  private readonly limits: ServerLimits;
  private readonly turns: Turns;
  private readonly held: HeldBytes;
  private readonly sockets = new Set<Socket>();
  private readonly clients = new Set<Socket>();
  private readonly works = new Set<Work>();
  /** Requests from clients that wait for `100 Continue`. */
  private readonly unsent = new WeakSet<IncomingMessage>();
  private sweeping: NodeJS.Timeout | undefined;
  private isStopping = false;

  constructor(server: Server, options: ServerOptions, limits: ServerLimits) {
    this.server = server;
    this.options = options;
    this.limits = limits;
    this.turns = new Turns({
      atOnce: limits.operations,
      waiting: limits.waiting,
      turnMs: limits.turnMs,
      late: limits.late,
    });
    this.held = new HeldBytes(limits.heldBytes);
  }

  open(guarded: Guarded): void {
    const refusalOf = openGuard(guarded);
    // A failed sweep is retried at the next interval.
    const sweep = (): void => void this.options.api.sweep().catch(() => {});
    this.sweeping = setInterval(sweep, this.limits.sweepMs).unref();
    const onRequest = (request: IncomingMessage, response: ServerResponse, proceed: () => void): void => {
      const refusal = refusalOf(request) ?? (this.isStopping ? stopping() : null);
      if (refusal === null) void this.carryOut(request, response, proceed);
      else this.refuse(request, response, refusal);
    };
    this.server
      .on('connection', (socket: Socket) => {
        this.sockets.add(socket);
        socket.once('close', () => {
          this.sockets.delete(socket);
          if (this.clients.delete(socket)) this.options.onClients?.(this.clients.size);
        });
      })
      .on('request', (request, response) => {
        onRequest(request, response, () => {});
      })
      // A client that sends `Expect: 100-continue` can be refused before its body.
      .on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
        this.unsent.add(request);
        onRequest(request, response, () => {
          this.unsent.delete(request);
          response.writeContinue();
        });
      })
      .on('clientError', (error, socket) => {
        const isAnswering = [...this.works].some((work) => work.socket === socket && work.response.headersSent);
        if (isAnswering || !socket.writable) socket.destroy();
        else answerBroken(error, socket);
      });
  }

  private async carryOut(request: IncomingMessage, response: ServerResponse, proceed: () => void): Promise<void> {
    const { socket } = request;
    // Read before the body arrives, so that the request belongs to its session even if that ends.
    const session = sessionOf(request, (token) => this.options.api.hasSession(token));
    if (!this.clients.has(socket)) {
      this.clients.add(socket);
      this.options.onClients?.(this.clients.size);
    }
    try {
      const body = await readBody(request, { held: this.held, proceed });
      try {
        await this.answer(request, response, { operation: operationIn(body), session });
      } finally {
        this.held.giveBack(body.length);
      }
    } catch (error) {
      // A broken connection cannot be answered.
      if (response.destroyed || response.headersSent) socket.destroy();
      else this.refuse(request, response, refusalFor(error));
    }
  }

  private refuse(request: IncomingMessage, response: ServerResponse, refusal: Refused): void {
    const { discardedBytes } = this.limits;
    sendRefusal(request, response, refusal, { discardedBytes, isUnsent: this.unsent.has(request) });
  }

  private async answer(
    request: IncomingMessage,
    response: ServerResponse,
    { operation, session }: { readonly operation: Operation; readonly session: SessionToken },
  ): Promise<void> {
    const { api } = this.options;
    const asStream = wantsStream(request);
    const kind = api.kindOf(operation);
    const isStream = asStream && kind === 'subscription';
    const signal = this.startWork(request, response, isStream);
    if (isStream) {
      await sendStream(response, this.toldOfEnd(api.stream(operation, session, signal)), this.limits);
      return;
    }
    using _ = await this.turns.take(signal, { waitsForOthers: kind === 'mutation' });
    const answer = await api.execute(operation, session, signal);
    if (response.destroyed) return;
    if (asStream) await sendStream(response, [this.withinLimit(answer).answer], this.limits);
    else this.send(request, response, this.withinLimit(answer));
  }

  /** Appends an error if the engine stops, so that the listener knows why the stream ended. */
  private async *toldOfEnd(answers: AsyncIterable<Answer>): AsyncGenerator<Answer> {
    yield* answers;
    if (!this.isStopping) return;
    const hint = 'open forks were discarded: attach again when an engine is running';
    const error = new CachelaneError('E_ENGINE_GONE', 'the engine was stopped', { hint, retryable: true });
    yield { errors: [answerError(error)] };
  }

  private startWork({ socket }: IncomingMessage, response: ServerResponse, isStream: boolean): AbortSignal {
    const controller = new AbortController();
    const work: Work = { socket, response, controller, isStream };
    this.works.add(work);
    response.once('close', () => {
      this.works.delete(work);
      if (!response.writableFinished) controller.abort(new CachelaneError('E_ABORTED', 'the client disconnected'));
    });
    return controller.signal;
  }

  private withinLimit(answer: Answer): Encoded {
    const body = Buffer.from(JSON.stringify(answer));
    if (body.length <= this.limits.answerBytes) return { answer, body };
    const told = { errors: [answerError(tooLarge(body.length, this.limits.answerBytes))] };
    return { answer: told, body: Buffer.from(JSON.stringify(told)) };
  }

  /** Throws `Refused` (503) when unread answers fill the memory. */
  private send(request: IncomingMessage, response: ServerResponse, { answer: told, body }: Encoded): void {
    const mediaType = mediaTypeFor(request);
    if (!this.held.take(body.length)) throw busy('unread answers use all their memory');
    response.once('close', () => {
      this.held.giveBack(body.length);
    });
    send(response, { status: statusOf(told, mediaType), mediaType, body, isLast: this.isStopping });
    if (response.writableFinished) return;
    const timer = setTimeout(() => request.socket.destroy(), this.limits.answerMs).unref();
    response.once('close', () => {
      clearTimeout(timer);
    });
  }

  async stop(isPatient: boolean): Promise<void> {
    this.isStopping = true;
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    const atWork = new Set([...this.works].map(({ socket }) => socket));
    for (const socket of this.sockets) if (!atWork.has(socket)) socket.destroy();
    for (const { isStream, controller } of this.works) if (isStream || !isPatient) controller.abort(stopped());
    await closed;
    clearInterval(this.sweeping);
  }

  abort(): void {
    for (const { controller } of this.works) controller.abort(stopped());
    this.server.closeAllConnections();
  }
}

function stopped(): CachelaneError {
  return new CachelaneError('E_ABORTED', 'the engine was stopped');
}

function stopping(): Refused {
  return refused(503, 'E_ENGINE_GONE', { message: 'the engine is stopping', retryable: true });
}

function tooLarge(bytes: number, atMost: number): CachelaneError {
  return new CachelaneError('E_LIMIT', `the answer has ${bytes} bytes, at most ${atMost}`, {
    hint: 'ask for smaller pages with first, or for fewer fields',
  });
}

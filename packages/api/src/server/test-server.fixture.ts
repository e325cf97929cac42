import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import type { Api } from '../execute/api.ts';
import type { Answer } from '../execute/execute.ts';
import type { ServerLimits } from './server-limits.ts';
import { startServer, type ApiServer } from './start-server.ts';

export const testToken = 'the-token-of-this-test';

export interface Question {
  readonly method?: string;
  readonly path?: string;
  /** Changes to a valid request; undefined removes one. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** Sent as JSON; text is sent unchanged. */
  readonly body?: unknown;
}

export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly answer: Answer;
}

export interface TestServer extends AsyncDisposable {
  readonly server: ApiServer;
  /** Each on its own connection. */
  ask(question?: Question): Promise<Answered>;
  /** A raw connection. */
  connect(): Promise<Socket>;
  /** Client counts, at each change. */
  readonly clientCounts: readonly number[];
}

export interface TestServerOptions {
  readonly api: Api;
  readonly on?: 'port' | 'socket';
  readonly limits?: Partial<ServerLimits>;
}

export async function startTestServer({ api, on = 'port', limits = {} }: TestServerOptions): Promise<TestServer> {
  const dir = mkdtempSync(join(tmpdir(), 'cachelane-api-'));
  const clientCounts: number[] = [];
  const server = await startServer({
    api,
    at: on === 'port' ? { kind: 'port', port: 0, token: testToken } : { kind: 'socket', path: join(dir, 'api.sock') },
    onClients: (count) => clientCounts.push(count),
    limits,
  });
  const to =
    on === 'port'
      ? { host: '127.0.0.1', port: Number(new URL(server.address).port) }
      : { socketPath: server.address.slice('unix:'.length) };
  return {
    server,
    clientCounts,
    async ask({ method = 'POST', path = '/query', headers = {}, body = { query: '{ engine { version } }' } } = {}) {
      const all = { 'content-type': 'application/json', authorization: `Bearer ${testToken}`, ...headers };
      const present = Object.entries(all).filter((each): each is [string, string] => each[1] !== undefined);
      const sent = httpRequest({ ...to, method, path, agent: false, headers: Object.fromEntries(present) });
      sent.end(typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body));
      const [response] = (await once(sent, 'response')) as [
        AsyncIterable<Buffer> & { statusCode: number; headers: IncomingHttpHeaders },
      ];
      const pieces: Buffer[] = [];
      for await (const piece of response) pieces.push(piece);
      const text = Buffer.concat(pieces).toString();
      return {
        status: response.statusCode,
        headers: response.headers,
        text,
        get answer() {
          return JSON.parse(text) as Answer;
        },
      };
    },
    async connect() {
      const socket = 'socketPath' in to ? connect(to.socketPath) : connect(to.port, to.host);
      socket.on('error', () => {});
      await once(socket, 'connect');
      return socket;
    },
    async [Symbol.asyncDispose]() {
      server.abort();
      await server.stop();
      rmSync(dir, { recursive: true });
    },
  };
}

/** Returns all data until the other side closes. */
export async function readAll(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('utf8').on('data', (more) => (text += String(more)));
  await closing(socket);
  return text;
}

/** Resolves when the connection ends, with or without an error. */
export async function closing(socket: Socket): Promise<void> {
  await new Promise((resolve) => socket.once('close', resolve));
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { connect, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { Transform, type TransformCallback } from 'node:stream';
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { buffer } from 'node:stream/consumers';

// Servers that are broken or are not S3 servers. Each listens on a free port of 127.0.0.1.

interface BadServer extends AsyncDisposable {
  readonly endpoint: string;
}

async function listening(server: Server): Promise<BadServer> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => undefined)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

/** Returns the address of a closed port. It was open a moment ago. */
export async function closedPort(): Promise<string> {
  await using server = await listening(createTcpServer());
  return server.endpoint;
}

/** Starts a server that accepts every connection and never answers. */
export async function silentServer(): Promise<BadServer> {
  return await listening(createTcpServer());
}

/** Starts a server that answers every request with this page. */
export async function pageServer(status: number): Promise<BadServer> {
  return await listening(
    createServer((request, response) => {
      request.resume();
      response.writeHead(status, { 'content-type': 'text/html' });
      response.end('<!doctype html><title>Sign in to the network</title>');
    }),
  );
}

/** Starts a listener whose accept queue is full, so new connections hang. */
export async function blackHole(): Promise<BadServer> {
  const script = `const server = require('node:net').createServer().listen(0, '127.0.0.1', 1, () => {
    require('node:fs').writeSync(1, server.address().port + '\\n');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = once(child, 'close');
  const [port] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const sockets: Socket[] = [];
  // Connect until the queue is full.
  for (let isTaken = true; isTaken;) {
    const socket = connect(Number(port), '127.0.0.1').on('error', () => undefined);
    sockets.push(socket);
    isTaken = await Promise.race([once(socket, 'connect').then(() => true), delay(500, false)]);
  }
  return {
    endpoint: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Starts a proxy that limits the target's answers to this speed. */
export async function slowAnswers(target: string, bytesPerSecond: number): Promise<BadServer> {
  const { hostname, port } = new URL(target);
  return await listening(
    createTcpServer((client) => {
      const server = connect(Number(port), hostname).on('error', () => client.destroy());
      client.on('close', () => server.destroy());
      client.pipe(server);
      server.pipe(paced(bytesPerSecond)).pipe(client);
    }),
  );
}

function paced(bytesPerSecond: number): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done: TransformCallback) {
      void (async () => {
        const step = Math.max(1, bytesPerSecond >> 3);
        for (let from = 0; from < chunk.length; from += step) {
          const piece = chunk.subarray(from, from + step);
          await delay((piece.length * 1000) / bytesPerSecond);
          this.push(piece);
        }
        done();
      })();
    },
  });
}

/** Starts an S3 server without credentials that ignores conditions on writes: the last writer wins. */
export async function carelessServer(): Promise<BadServer & { readonly objects: ReadonlyMap<string, Buffer> }> {
  const objects = new Map<string, Buffer>();
  const handle: RequestListener = (request, response) => {
    void (async () => {
      const key = new URL(request.url ?? '', 'http://localhost').pathname;
      const body = await buffer(request);
      if (request.method === 'PUT') objects.set(key, body);
      if (request.method === 'DELETE') objects.delete(key);
      const found = objects.get(key);
      const etag = `"${createHash('md5')
        .update(found ?? '')
        .digest('hex')}"`;
      if (found === undefined && request.method !== 'DELETE') {
        response.writeHead(404, { 'content-type': 'application/xml' });
        response.end(request.method === 'HEAD' ? '' : '<Error><Code>NoSuchKey</Code></Error>');
      } else if (request.method === 'GET') {
        response.writeHead(200, { etag, 'content-length': found?.length ?? 0 });
        response.end(found);
      } else {
        response.writeHead(200, { etag });
        response.end();
      }
    })();
  };
  return { ...(await listening(createServer(handle))), objects };
}

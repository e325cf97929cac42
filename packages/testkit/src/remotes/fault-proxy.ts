import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';

export type HttpFault =
  /** The connection ends; the server sees nothing. */
  | 'refuse'
  /** 500; the server sees nothing. */
  | 'error-before'
  /** The server acts; the client gets 500. */
  | 'error-after'
  /** The server acts; the connection ends. */
  | 'lose-reply'
  /** The server gets the request twice; the client gets the second answer. */
  | 'twice'
  /** The server gets the request now, and again after the next one was answered. */
  | 'late-again'
  /** Half of the answer's body, then the connection ends. */
  | 'cut-reply'
  /** Half of the answer's body, then nothing. */
  | 'stall-reply'
  /** The server acts; the client never gets an answer. */
  | 'no-reply'
  /** 503 SlowDown; the server sees nothing. */
  | 'slow-down'
  /** A bit of the request's body changes. */
  | 'damage-request'
  /** A bit of the answer's body changes. */
  | 'damage-reply';

export interface ProxiedRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  /** The first request is 1. */
  readonly number: number;
}

export interface FaultProxy extends AsyncDisposable {
  /** `http://127.0.0.1:<port>`, replaces the target's. */
  readonly endpoint: string;
  readonly requests: readonly ProxiedRequest[];
  /** Called for each request; by default no fault. */
  decide: (request: ProxiedRequest) => HttpFault | undefined;
}

interface Answer {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/**
 * Starts a proxy on 127.0.0.1 between an S3 client and its server that simulates network faults. It keeps the Host header, so signatures
 * stay valid.
 */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const requests: ProxiedRequest[] = [];
  let owed: (() => Promise<unknown>) | undefined;
  const server = createServer((request, response) => {
    const seen = { method: request.method ?? '', path: request.url ?? '', number: requests.length + 1 };
    requests.push(seen);
    handle(request, response, proxy.decide(seen)).catch(() => response.destroy());
  });
  const handle = async (request: IncomingMessage, response: ServerResponse, fault?: HttpFault): Promise<void> => {
    if (fault === 'refuse') {
      response.destroy();
      return;
    }
    const body = await buffer(request);
    if (fault === 'error-before') {
      fail(response, 500, 'InternalError');
      return;
    }
    if (fault === 'slow-down') {
      fail(response, 503, 'SlowDown');
      return;
    }
    const sent = fault === 'damage-request' ? damaged(body) : body;
    const send = () => forward(target, request, sent);
    if (fault === 'twice') await send();
    const answer = await send();
    const owedNow = owed;
    owed = fault === 'late-again' ? send : undefined;
    reply(response, answer, fault);
    await owedNow?.();
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const proxy: FaultProxy = {
    endpoint: `http://127.0.0.1:${port}`,
    requests,
    decide: () => undefined,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
  return proxy;
}

async function forward(target: string, request: IncomingMessage, body: Buffer): Promise<Answer> {
  const { hostname, port } = new URL(target);
  const { method, url: path, rawHeaders: headers } = request;
  const outgoing = httpRequest({ hostname, port, method, path, headers, agent: false });
  // A server that answers early may close the connection.
  outgoing.on('error', () => undefined);
  outgoing.end(body);
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
  return { status: answer.statusCode ?? 500, headers: answer.rawHeaders, body: await buffer(answer) };
}

function fail(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/xml' });
  response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>simulated</Message></Error>`);
}

function reply(response: ServerResponse, { status, headers, body }: Answer, fault?: HttpFault): void {
  switch (fault) {
    case 'error-after':
      fail(response, 500, 'InternalError');
      return;
    case 'lose-reply':
      response.destroy();
      return;
    case 'no-reply':
      return;
    case 'cut-reply':
    case 'stall-reply':
      response.writeHead(status, [...withLength(headers, body)]);
      response.write(body.subarray(0, body.length >> 1), () => {
        if (fault === 'cut-reply') response.destroy();
      });
      return;
    default:
      response.writeHead(status, [...withLength(headers, body)]);
      response.end(fault === 'damage-reply' ? damaged(body) : body);
  }
}

/** Sends the body in one piece. A HEAD has a length and no body. */
function withLength(headers: readonly string[], body: Buffer): readonly string[] {
  const isChunked = headers.some((name, index) => index % 2 === 0 && /^transfer-encoding$/i.test(name));
  const kept = headers.flatMap((name, index) =>
    index % 2 === 1 || /^(transfer-encoding|connection|keep-alive)$/i.test(name)
      ? []
      : [name, headers[index + 1] ?? ''],
  );
  return isChunked ? [...kept, 'content-length', `${body.length}`] : kept;
}

function damaged(body: Buffer): Buffer {
  const copy = Buffer.from(body);
  const middle = copy.length >> 1;
  if (copy.length > 0) copy[middle] = (copy[middle] ?? 0) ^ 1;
  return copy;
}

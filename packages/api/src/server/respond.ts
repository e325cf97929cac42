import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { CachelaneError, type ErrorCode } from '@cachelane/core';
import { answerError } from '../execute/answer-error.ts';
import type { Answer } from '../execute/execute.ts';
import type { Refused } from './refused.ts';

const json = 'application/json; charset=utf-8';
const graphqlJson = 'application/graphql-response+json; charset=utf-8';

/** Returns the media type for the answer. Clients that accept GraphQL's own type get it, with meaningful statuses. */
export function mediaTypeFor(request: IncomingMessage): string {
  return /application\/graphql-response\+json/i.test(request.headers.accept ?? '') ? graphqlJson : json;
}

/** Returns whether the client wants server-sent events. */
export function wantsStream(request: IncomingMessage): boolean {
  return /^text\/event-stream\b/i.test(request.headers.accept ?? '');
}

/** Returns the status by GraphQL over HTTP: always 200 for plain JSON. */
export function statusOf({ data, errors = [] }: Answer, mediaType: string): number {
  if (mediaType === json || data !== undefined) return 200;
  const [first] = errors;
  if (first?.extensions.code === 'E_INTERNAL') return 500;
  return first?.extensions.retryable === true ? 503 : 400;
}

export interface Response {
  readonly status: number;
  readonly mediaType: string;
  readonly body: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  /** Closes the connection afterwards. */
  readonly isLast: boolean;
}

export function send(response: ServerResponse, answer: Response): void {
  writeHead(response, answer);
  response.end(answer.body);
}

function writeHead(response: ServerResponse, { status, mediaType, body, headers, isLast }: Response): void {
  response.writeHead(status, {
    ...headers,
    ...(isLast ? { connection: 'close' } : {}),
    'content-type': mediaType,
    'content-length': body.length,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
}

/**
 * Sends a refusal. If the body is still coming, answers first and closes the connection. Up to `discardedBytes` of the
 * body are read, since a client that cannot finish sending may never read the answer.
 */
export function sendRefusal(
  request: IncomingMessage,
  response: ServerResponse,
  refusal: Refused,
  { discardedBytes, isUnsent }: { readonly discardedBytes: number; readonly isUnsent: boolean },
): void {
  const { status, error, headers } = refusal;
  const body = errorBody(error);
  writeHead(response, { status, mediaType: mediaTypeFor(request), body, headers, isLast: !request.complete });
  if (request.complete || isUnsent) {
    response.end(body);
    return;
  }
  response.write(body);
  let left = discardedBytes;
  request.on('data', (piece: Buffer) => {
    left -= piece.length;
    if (left < 0) request.socket.destroy();
  });
  request.on('error', () => {});
  request.on('end', () => response.end());
}

function errorBody(error: CachelaneError): Buffer {
  return Buffer.from(JSON.stringify({ errors: [answerError(error)] } satisfies Answer));
}

const brokenRequests: Readonly<Record<string, readonly [number, ErrorCode, string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'E_LIMIT', 'the headers of the request are too large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'E_LIMIT', 'the request took too long to arrive'],
};

/** Answers an invalid or late request and ends the connection. */
export function answerBroken(error: NodeJS.ErrnoException, socket: Duplex): void {
  const [status, code, message] = brokenRequests[error.code ?? ''] ?? [
    400,
    'E_USAGE',
    'this is not an HTTP/1.1 request',
  ];
  const body = errorBody(new CachelaneError(code, message, { hint: 'POST /query with a body of JSON' }));
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Connection: close',
    `Content-Type: ${json}`,
    `Content-Length: ${body.length}`,
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body.toString()}`, () => socket.destroy());
}

import type { IncomingMessage } from 'node:http';
import type { Operation } from '../execute/execute.ts';
import { queryLimits } from '../execute/query-limits.ts';
import type { HeldBytes } from './held-bytes.ts';
import { busy, refused, type Refused } from './refused.ts';

/**
 * Reads the body. Its bytes stay counted in `held` until the caller releases them. Throws `Refused` (413, 503) and
 * connection errors.
 */
export async function readBody(
  request: IncomingMessage,
  {
    held,
    proceed,
  }: {
    readonly held: HeldBytes;
    /** Sends `100 Continue` if the client waits for it. */
    readonly proceed: () => void;
  },
): Promise<Buffer> {
  // A request with Content-Length is refused before its first byte.
  if (Number(request.headers['content-length'] ?? 0) > queryLimits.bodyBytes) throw tooLarge();
  proceed();
  const pieces: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const piece of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      if (bytes + piece.length > queryLimits.bodyBytes) throw tooLarge();
      if (!held.take(piece.length)) throw busy('requests and answers use all their memory');
      bytes += piece.length;
      pieces.push(piece);
    }
  } catch (error) {
    held.giveBack(bytes);
    throw error;
  }
  return Buffer.concat(pieces);
}

function tooLarge(): Refused {
  return refused(413, 'E_LIMIT', {
    message: `the request is too large: at most ${queryLimits.bodyBytes} bytes`,
    hint: 'ask for less at once; in openSession, send only variables that configure tools or identify the CI run',
  });
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Throws `Refused` (400). */
export function operationIn(body: Buffer): Operation {
  const { query, variables, operationName } = objectIn(body);
  if (typeof query !== 'string') throw malformed('query is no text');
  if (!isAbsent(variables) && !isObject(variables)) throw malformed('variables is not an object');
  if (!isAbsent(operationName) && typeof operationName !== 'string') throw malformed('operationName is not a string');
  return { query, variables: variables ?? {}, operationName: operationName ?? null };
}

function objectIn(body: Buffer): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(body));
  } catch {
    throw malformed('it is not JSON in UTF-8');
  }
  if (isObject(value)) return value;
  throw malformed('it is no object');
}

function isAbsent(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function malformed(why: string): Refused {
  return refused(400, 'E_USAGE', {
    message: `the request cannot be read: ${why}`,
    hint: 'send { "query": TEXT, "variables": OBJECT, "operationName": TEXT }; the last two are optional',
  });
}

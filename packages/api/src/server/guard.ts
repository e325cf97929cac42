import type { IncomingHttpHeaders } from 'node:http';
import { sessionHeader } from '@cachelane/protocol';
import { refused, type Refused } from './refused.ts';
import { tokenCheck, tokenIn } from './token.ts';

/** The head of a request. */
export interface RequestHead {
  readonly method?: string | undefined;
  /** The path of the request line. */
  readonly url?: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

/** A socket is protected by the kernel. A port needs a token. */
export type Guarded =
  | { readonly kind: 'socket' }
  | {
      readonly kind: 'port';
      readonly port: number;
      /** The engine's token. */
      readonly token: string;
      /** Session tokens are accepted, too. */
      readonly hasSession: (token: string) => boolean;
    };

const queryPath = '/query';

/**
 * Returns a check for request heads: it returns why a request is refused, or null. Browser pages can reach this
 * machine, but send `Origin` or, with a rebound name, a foreign `Host`. Our clients never do.
 */
export function openGuard(guarded: Guarded): (head: RequestHead) => Refused | null {
  const isIn = admission(guarded);
  const hosts = guarded.kind === 'port' ? hostsOf(guarded.port) : null;
  return (head) => {
    const { method, url, headers } = head;
    if (!isIn(headers.authorization)) return unauthorized();
    if (headers.origin !== undefined) return foreign('it comes from a web page');
    if (hosts?.has(headers.host?.toLowerCase() ?? '') === false)
      return foreign('its Host header does not name this engine');
    if (url?.split('?', 1)[0] !== queryPath) {
      const hint = `there is ${queryPath}`;
      return refused(404, 'E_NOT_FOUND', { message: 'there is nothing at this path', hint });
    }
    if (method !== 'POST') {
      const hint = `send the document with POST ${queryPath}`;
      return refused(405, 'E_USAGE', { message: 'this method is not supported', hint, headers: { allow: 'POST' } });
    }
    return isJson(headers) ? null : notJson();
  };
}

function admission(guarded: Guarded): (authorization: string | undefined) => boolean {
  if (guarded.kind === 'socket') return () => true;
  const isToken = tokenCheck(guarded.token);
  return (authorization) => {
    const token = tokenIn(authorization);
    return isToken(token) || guarded.hasSession(token);
  };
}

/** Returns the session token of a request; null: the engine's own project. */
export function sessionOf({ headers }: RequestHead, hasSession: (token: string) => boolean): string | null {
  const named = headers[sessionHeader];
  if (typeof named === 'string') return named;
  const token = tokenIn(headers.authorization);
  return hasSession(token) ? token : null;
}

function hostsOf(port: number): ReadonlySet<string> {
  return new Set(['127.0.0.1', 'localhost', '[::1]'].map((name) => `${name}:${port}`));
}

function isJson(headers: IncomingHttpHeaders): boolean {
  const type = /^application\/json\s*(?:;\s*charset="?([^";\s]+)"?\s*)?$/i.exec(headers['content-type'] ?? '');
  return type !== null && (type[1] ?? 'utf-8').toLowerCase() === 'utf-8' && headers['content-encoding'] === undefined;
}

function unauthorized(): Refused {
  return refused(401, 'E_ENGINE_DENIED', {
    message: 'the request has no valid token for this engine',
    hint: 'set CACHELANE_ENGINE_TOKEN to the token that cachelane serve --json printed; send it as a bearer token or as the user of basic auth',
    headers: { 'www-authenticate': 'Basic realm="cachelane"' },
  });
}

function foreign(why: string): Refused {
  const hint = 'only programs on this machine may send requests, not web pages';
  return refused(403, 'E_ENGINE_DENIED', { message: `the request is refused: ${why}`, hint });
}

function notJson(): Refused {
  return refused(415, 'E_USAGE', {
    message: 'the request is not plain JSON',
    hint: 'send { "query": …, "variables": … } with Content-Type: application/json',
  });
}

import type { IncomingHttpHeaders } from 'node:http';
import { sessionHeader } from '@cachelane/protocol';
import { refused, type Refused } from './refused.ts';
import { tokenCheck, tokenIn } from './token.ts';

/** What is known of a request before its body. */
export interface RequestHead {
  readonly method?: string | undefined;
  /** As it stands in the first line. */
  readonly url?: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

/** Where only those connect whom the kernel lets, or where anybody of this machine may, and has to have a token. */
export type Guarded =
  | { readonly kind: 'socket' }
  | {
      readonly kind: 'port';
      readonly port: number;
      /** The engine's own. */
      readonly token: string;
      /** Whether a session has this token: it lets its client in, too. */
      readonly hasSession: (token: string) => boolean;
    };

const queryPath = '/query';

/**
 * Says why a request is refused; null for one whose body may be read. A browser sends whatever a page tells it to, also to this machine: it says `Origin` then, and
 * a page whose name was made to lead here sends that name as `Host`. No client of ours does either.
 */
export function openGuard(guarded: Guarded): (head: RequestHead) => Refused | null {
  const isIn = admission(guarded);
  const hosts = guarded.kind === 'port' ? hostsOf(guarded.port) : null;
  return (head) => {
    const { method, url, headers } = head;
    if (!isIn(headers.authorization)) return unauthorized();
    if (headers.origin !== undefined) return foreign('it comes from a page in a browser');
    if (hosts?.has(headers.host?.toLowerCase() ?? '') === false) return foreign('its Host is not this engine');
    if (url?.split('?', 1)[0] !== queryPath) {
      const hint = `there is ${queryPath}`;
      return refused(404, 'E_NOT_FOUND', { message: 'there is nothing at this path', hint });
    }
    if (method !== 'POST') {
      const hint = `send the document with POST ${queryPath}`;
      return refused(405, 'E_USAGE', { message: 'this method does nothing here', hint, headers: { allow: 'POST' } });
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

/** Who a request acts as: the session that it names, else the one that let it in; null: the engine's own project. */
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
    message: 'the request does not have the token of this engine',
    hint: 'CACHELANE_ENGINE_TOKEN is to hold the one that cachelane serve --json told, or set for its command; it is sent as a bearer token, or as the user of basic auth',
    headers: { 'www-authenticate': 'Basic realm="cachelane"' },
  });
}

function foreign(why: string): Refused {
  const hint = 'programs of this machine ask it, and no page of a browser';
  return refused(403, 'E_ENGINE_DENIED', { message: `the request is refused: ${why}`, hint });
}

function notJson(): Refused {
  return refused(415, 'E_USAGE', {
    message: 'the request is not plain JSON',
    hint: 'send { "query": …, "variables": … } with Content-Type: application/json',
  });
}

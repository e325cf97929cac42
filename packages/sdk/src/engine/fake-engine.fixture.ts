import { connectTo, type ConnectToOptions } from './connect-to.ts';
import type { Engine } from './engine.ts';

/** A received request. */
interface Asked {
  readonly name: string;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly headers: Headers;
  readonly signal: AbortSignal | null;
}

/** Returns `data`, or a whole response. */
export type Answering = (asked: Asked) => object | Response | Promise<object | Response>;

export interface FakeEngine {
  /** In order, without requests that open a session. */
  readonly asked: readonly Asked[];
  readonly sessions: readonly string[];
  connect(options?: Partial<ConnectToOptions>): Promise<Engine>;
}

export const json = (value: unknown, status = 200): Response =>
  new Response(JSON.stringify(value), { status, headers: { 'content-type': 'application/json; charset=utf-8' } });

export const refusal = (code: string, more: object = {}): Response =>
  json({ errors: [{ message: `it is ${code}`, extensions: { code, retryable: false }, ...more }] }, 400);

/** An engine that is a function behind `fetch`. */
export function fakeEngine(answering: Answering): FakeEngine {
  const asked: Asked[] = [];
  const sessions: string[] = [];
  const send = async (_: unknown, init: RequestInit = {}): Promise<Response> => {
    init.signal?.throwIfAborted();
    const body = JSON.parse(init.body as string) as { operationName: string; variables: Record<string, unknown> };
    const headers = new Headers(init.headers);
    const one = { name: body.operationName, variables: body.variables, headers, signal: init.signal ?? null };
    if (one.name === 'engineFacts') return json({ data: { engine: { version: '1.0.0', protocolVersion: 1 } } });
    if (one.name === 'openSession') {
      sessions.push(`session-${sessions.length + 1}`);
      return json({ data: { openSession: { token: sessions.at(-1) } } });
    }
    asked.push(one);
    if (one.name === 'closeSession') return json({ data: { closeSession: true } });
    const answer = await answering(one);
    return answer instanceof Response ? answer : json({ data: answer });
  };
  return {
    asked,
    sessions,
    connect: async (options = {}) =>
      await connectTo({ address: 'http://127.0.0.1:1', token: 'secret', fetch: send, ...options }),
  };
}

export const info = (id: string, more: object = {}): object => ({
  id,
  key: 'npm',
  namespace: 'github.com/acme/web',
  compat: [],
  tool: 'npm',
  sharing: null,
  warnings: [],
  ...more,
});

import { describe, expect, test } from 'vitest';
import { openGuard, sessionOf, type Guarded, type RequestHead } from './guard.ts';

const port: Guarded = { kind: 'port', port: 4711, token: 'secret', hasSession: (token) => token === 'of-a-session' };
const good = { host: '127.0.0.1:4711', authorization: 'Bearer secret', 'content-type': 'application/json' };

function statusOf(guarded: Guarded, head: Partial<RequestHead>): number | null {
  const all = { method: 'POST', url: '/query', ...head, headers: { ...good, ...head.headers } };
  return openGuard(guarded)(all)?.status ?? null;
}

const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

describe('a token', () => {
  test.each([
    ['Bearer secret'],
    ['bearer  secret '],
    [basic('secret:')],
    [basic('secret:whatever')],
    [basic('secret')],
    ['Bearer of-a-session'],
  ])('is accepted: %s', (authorization) => {
    expect(statusOf(port, { headers: { authorization } })).toBeNull();
  });

  test.each([
    [undefined],
    [''],
    ['secret'],
    ['Bearer'],
    ['Bearer secre'],
    ['Bearer secretx'],
    ['Bearer secret secret'],
    [basic(':secret')],
    [basic('')],
    ['Digest secret'],
    ['Basic ???'],
  ])('is refused: %s', (authorization) => {
    const refusal = openGuard(port)({ method: 'POST', url: '/query', headers: { ...good, authorization } });
    expect(refusal).toMatchObject({ status: 401, error: { code: 'E_ENGINE_DENIED' } });
    expect(JSON.stringify([refusal?.message, refusal?.error.hint, refusal?.headers])).not.toContain('secret');
  });

  test('is not needed if the kernel admits only the user', () => {
    expect(statusOf({ kind: 'socket' }, { headers: { authorization: undefined, host: 'anything' } })).toBeNull();
  });
});

describe('browser requests', () => {
  test.each(['http://127.0.0.1:4711', 'https://evil.example', 'null'])('from %s are refused', (origin) => {
    expect(statusOf(port, { headers: { origin } })).toBe(403);
    expect(statusOf({ kind: 'socket' }, { headers: { origin } })).toBe(403);
  });

  test.each([
    'evil.example:4711',
    '127.0.0.1',
    '127.0.0.1:4712',
    'localhost',
    '[::1]',
    '127.0.0.1.evil.example:4711',
    undefined,
  ])('to %s is refused', (host) => {
    expect(statusOf(port, { headers: { host } })).toBe(403);
  });

  test.each(['127.0.0.1:4711', 'localhost:4711', 'LOCALHOST:4711', '[::1]:4711'])('to %s are accepted', (host) => {
    expect(statusOf(port, { headers: { host } })).toBeNull();
  });

  test('without a token learn only that it is missing', () => {
    expect(statusOf(port, { method: 'OPTIONS', headers: { origin: 'x', authorization: undefined } })).toBe(401);
  });
});

test.each([
  [{ url: '/' }, 404],
  [{ url: '/query/' }, 404],
  [{ url: 'http://127.0.0.1:4711/query' }, 404],
  [{ url: '/query?x=1' }, null],
  [{ method: 'GET' }, 405],
  [{ method: 'OPTIONS' }, 405],
  [{ headers: { 'content-type': 'text/plain' } }, 415],
  [{ headers: { 'content-type': 'application/x-www-form-urlencoded' } }, 415],
  [{ headers: { 'content-type': undefined } }, 415],
  [{ headers: { 'content-type': 'application/json; charset=latin1' } }, 415],
  [{ headers: { 'content-type': 'application/json, text/plain' } }, 415],
  [{ headers: { 'content-encoding': 'gzip' } }, 415],
  [{ headers: { 'content-type': 'Application/JSON; charset="UTF-8"' } }, null],
] as const)('%j: %s', (head, status) => {
  expect(statusOf(port, head as Partial<RequestHead>)).toBe(status);
});

const sessionFor = (headers: RequestHead['headers']): string | null =>
  sessionOf({ headers }, (token) => token === 'of-a-session');

test("a request acts as the session that it names, otherwise as the token's", () => {
  expect(sessionFor({ authorization: 'Bearer secret' })).toBeNull();
  expect(sessionFor({ authorization: 'Bearer secret', 'cachelane-session': 'other' })).toBe('other');
  expect(sessionFor({ authorization: 'Bearer of-a-session' })).toBe('of-a-session');
  expect(sessionFor({})).toBeNull();
});

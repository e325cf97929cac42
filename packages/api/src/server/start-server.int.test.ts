import { once } from 'node:events';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Api } from '../execute/api.ts';
import { queryLimits } from '../execute/query-limits.ts';
import { testWorld } from '../execute/test-world.fixture.ts';
import { startServer } from './start-server.ts';
import { closing, readAll, startTestServer, testToken, type Answered, type Question } from './test-server.fixture.ts';

const lookUp = {
  query: 'query ($key: String!) { cacheVolume(key: $key) { namespace key } }',
  variables: { key: 'npm' },
};
const found = { data: { cacheVolume: { namespace: 'github.com/acme/web', key: 'npm' } } };

describe.each(['port', 'socket'] as const)('on a %s', (on) => {
  test('an operation is executed', async () => {
    await using world = testWorld();
    await using served = await startTestServer({ api: world.api, on });
    const { status, headers, answer } = await served.ask({ body: lookUp });
    expect([status, answer]).toEqual([200, found]);
    expect(headers).toMatchObject({ 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' });
  });

  test('the status code shows whether the operation succeeded', async () => {
    await using world = testWorld();
    await using served = await startTestServer({ api: world.api, on });
    const asking = async (query: string, accept: string): Promise<readonly [number, string | undefined]> => {
      const { status, headers } = await served.ask({ body: { query }, headers: { accept } });
      return [status, headers['content-type']?.split(';')[0]];
    };
    const both = 'application/graphql-response+json, application/json';
    expect(await asking('{ nothing }', both)).toEqual([400, 'application/graphql-response+json']);
    expect(await asking('{ engine { version } }', both)).toEqual([200, 'application/graphql-response+json']);
    expect(await asking('{ nothing }', 'application/json')).toEqual([200, 'application/json']);
    expect(await asking('{ nothing }', '*/*')).toEqual([200, 'application/json']);
  });

  test('a request acts as the session that it names', async () => {
    await using world = testWorld();
    await using served = await startTestServer({ api: world.api, on });
    const open = 'mutation { openSession(directory: "/api") { token } }';
    const { answer } = await served.ask({ body: { query: open } });
    const { token } = (answer.data as { openSession: { token: string } }).openSession;
    const query = '{ context { namespace } }';
    const of = async (question: Question): Promise<unknown> =>
      (await served.ask({ ...question, body: { query } })).answer;
    const expected = { data: { context: { namespace: 'github.com/acme/api' } } };
    expect(await of({ headers: { 'cachelane-session': token } })).toEqual(expected);
    expect(await of({ headers: { authorization: `Bearer ${token}` } })).toEqual(expected);
    const wrong = { errors: [{ extensions: { code: 'E_SESSION_GONE' } }] };
    expect(await of({ headers: { 'cachelane-session': 'other' } })).toMatchObject(wrong);
  });

  test('a subscription gets a stream, which ends with the engine after a last event', async () => {
    await using world = testWorld();
    await using served = await startTestServer({ api: world.api, on });
    const asked = served.ask({
      body: { query: 'subscription { events { __typename } }' },
      headers: { accept: 'text/event-stream' },
    });
    while (served.clientCounts.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const single = await served.ask({ headers: { accept: 'text/event-stream' } });
    expect(single.text).toBe(
      'event: next\ndata: {"data":{"engine":{"version":"0.0.0-test"}}}\n\nevent: complete\ndata:\n\n',
    );
    await served.server.stop();
    const { headers, text } = await asked;
    expect(headers['content-type']).toBe('text/event-stream; charset=utf-8');
    const said = /^event: next\ndata: (.*)\n\nevent: complete\ndata:\n\n$/.exec(text)?.[1] ?? '';
    expect(JSON.parse(said)).toMatchObject({
      errors: [{ message: 'the engine was stopped', extensions: { code: 'E_ENGINE_GONE', retryable: true } }],
    });
  });
});

test("a session that ends during its request does not change the request's caller", async () => {
  await using world = testWorld();
  await using served = await startTestServer({ api: world.api });
  const query = 'mutation { openSession(namespace: "github.com/acme/web", confine: true) { token } }';
  const opened = await served.ask({ body: { query } });
  const { token } = (opened.answer.data as { openSession: { token: string } }).openSession;
  const body = JSON.stringify({ query: '{ cacheVolume(key: "npm", namespace: "github.com/acme/secret") { id } }' });
  const socket = await served.connect();
  const before = served.clientCounts.length;
  socket.write(
    [
      'POST /query HTTP/1.1',
      `Host: ${new URL(served.server.address).host}`,
      `Authorization: Bearer ${token}`,
      'Content-Type: application/json',
      `Content-Length: ${body.length}`,
      'Connection: close',
      '\r\n',
    ].join('\r\n'),
  );
  while (served.clientCounts.length === before) await new Promise((resolve) => setImmediate(resolve));
  await served.ask({
    body: { query: 'mutation { closeSession }' },
    headers: { authorization: `Bearer ${token}` },
  });
  const answered = readAll(socket);
  socket.end(body);
  expect(await answered).toContain('there is no such session');
});

test('a socket is open to its user only', async () => {
  await using world = testWorld();
  await using served = await startTestServer({ api: world.api, on: 'socket' });
  expect(statSync(served.server.address.slice('unix:'.length)).mode & 0o777).toBe(0o600);
});

test("a socket does not replace another user's file", async () => {
  await using world = testWorld();
  await using first = await startTestServer({ api: world.api, on: 'socket' });
  const path = first.server.address.slice('unix:'.length);
  const theirs = `${path}.2.${process.pid}`;
  writeFileSync(theirs, 'theirs');
  const at = { kind: 'socket', path: `${path}.2` } as const;
  const second = await startServer({ api: world.api, at, onClients: () => undefined });
  expect([readFileSync(theirs, 'utf8'), second.address]).toEqual(['theirs', `unix:${path}.2`]);
  await second.stop({ isPatient: false });
  expect(readFileSync(theirs, 'utf8')).toBe('theirs');
});

test.each<readonly [string, Question, number, string]>([
  ['no token', { headers: { authorization: undefined } }, 401, 'E_ENGINE_DENIED'],
  ['a wrong token', { headers: { authorization: 'Bearer wrong' } }, 401, 'E_ENGINE_DENIED'],
  ['a page in a browser', { headers: { origin: 'https://evil.example' } }, 403, 'E_ENGINE_DENIED'],
  ['a rebound host name', { headers: { host: 'evil.example' } }, 403, 'E_ENGINE_DENIED'],
  ['another path', { path: '/graphql' }, 404, 'E_NOT_FOUND'],
  ['another method', { method: 'PUT' }, 405, 'E_USAGE'],
  ['a form', { headers: { 'content-type': 'text/plain' } }, 415, 'E_USAGE'],
  ['too large a body', { body: { query: ' '.repeat(queryLimits.bodyBytes) } }, 413, 'E_LIMIT'],
  [
    'too large a body, in chunks',
    { body: 'x'.repeat(2 << 20), headers: { 'transfer-encoding': 'chunked' } },
    413,
    'E_LIMIT',
  ],
  ['invalid JSON', { body: '{' }, 400, 'E_USAGE'],
  ['invalid UTF-8', { body: Buffer.from('7b227175657279223a22ff227d', 'hex') }, 400, 'E_USAGE'],
  ['a list', { body: [lookUp] }, 400, 'E_USAGE'],
  ['no document', { body: { variables: {} } }, 400, 'E_USAGE'],
  ['variables in a list', { body: { ...lookUp, variables: ['npm'] } }, 400, 'E_USAGE'],
  ['a number for a name', { body: { ...lookUp, operationName: 1 } }, 400, 'E_USAGE'],
])('%s is refused with a message and a hint', async (_, question, status, code) => {
  await using world = testWorld();
  await using served = await startTestServer({ api: world.api });
  const { answer, ...refused } = await served.ask(question);
  expect(refused.status).toBe(status);
  expect(answer).toEqual({
    errors: [{ message: expect.any(String), extensions: { code, hint: expect.any(String), retryable: false } }],
  });
  expect(refused.text).not.toContain(testToken);
});

test.each([
  [
    'too deep',
    `{ cacheVolume(key: "npm") { head { ${'volume { head { '.repeat(12)} generation ${'} }'.repeat(12)} } } }`,
  ],
  ['too costly', '{ namespaces(first: 1000) { nodes { volumes(first: 1000) { nodes { key namespace } } } } }'],
])('a document that is %s is refused before it is executed', async (_, query) => {
  await using world = testWorld();
  await using served = await startTestServer({ api: world.api });
  const { status, answer } = await served.ask({ body: { query } });
  expect(status).toBe(200);
  expect(answer.data).toBeUndefined();
  expect(answer.errors?.[0]?.extensions.code).toBe('E_LIMIT');
});

const head = (more: readonly string[]): string =>
  ['POST /query HTTP/1.1', 'Host: localhost', 'Content-Type: application/json', ...more, '', ''].join('\r\n');

describe('before the body', () => {
  test('a client without a token gets an answer', async () => {
    await using world = testWorld();
    await using served = await startTestServer({ api: world.api });
    const socket = await served.connect();
    socket.write(head(['Content-Length: 100000000']));
    const [first] = (await once(socket, 'data')) as [Buffer];
    expect(first.toString()).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n/);
    expect(served.clientCounts).toEqual([]);
    // It cannot make the engine buffer its data.
    const closed = closing(socket);
    const pump = (): void => {
      while (socket.writable && socket.write(Buffer.alloc(1 << 16)));
    };
    socket.on('drain', pump);
    pump();
    await closed;
    expect(socket.bytesWritten).toBeLessThan(50_000_000);
  });

  test('a client that sends Expect gets 100 Continue or a refusal', async () => {
    await using world = testWorld();
    await using served = await startTestServer({ api: world.api, on: 'socket' });
    const socket = await served.connect();
    socket.write(head(['Content-Length: 100', 'Expect: 100-continue']));
    expect(String(await once(socket, 'data'))).toMatch(/^HTTP\/1\.1 100 /);
    const other = await served.connect();
    other.write(head(['Content-Length: 100', 'Expect: 100-continue', 'Origin: x']));
    // It sent nothing, and the engine does not wait for more.
    expect(await readAll(other)).toMatch(/^HTTP\/1\.1 403 /);
    const large = await served.connect();
    large.write(head([`Content-Length: ${queryLimits.bodyBytes + 1}`, 'Expect: 100-continue']));
    expect(await readAll(large)).toMatch(/^HTTP\/1\.1 413 /);
  });
});

describe('a slow client', () => {
  const half = 'POST /query HTTP/1.1\r\nHost: x\r\n';

  test.each([
    ['before its first byte', '', { headersMs: 100 }],
    ['with its headers', half, { headersMs: 100 }],
    [
      'with its body',
      `${half}Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{`,
      { requestMs: 200, headersMs: 100 },
    ],
  ])('%s loses its connection with a reason', async (_, bytes, limits) => {
    await using world = testWorld();
    await using served = await startTestServer({ api: world.api, on: 'socket', limits });
    const socket = await served.connect();
    socket.write(bytes);
    expect(await readAll(socket)).toMatch(/^HTTP\/1\.1 408 [^]*"code":"E_LIMIT"/);
  });

  test("does not delay others' answers or the engine's end", async () => {
    await using world = testWorld();
    await using served = await startTestServer({ api: world.api, on: 'socket' });
    const sockets = await Promise.all(Array.from({ length: 200 }, async () => await served.connect()));
    for (const socket of sockets)
      socket.write('POST /query HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{');
    expect((await served.ask({ body: lookUp })).answer).toEqual(found);
    await served.server.stop();
    for (const socket of sockets) socket.destroy();
  });

  test('that does not read its answer loses its connection', async () => {
    const answer = { data: 'x'.repeat(8 << 20) };
    await using served = await startTestServer({
      api: apiWith(async () => await Promise.resolve(answer)),
      on: 'socket',
      limits: { answerMs: 100 },
    });
    const socket = await served.connect();
    socket.pause();
    socket.write(rawRequest);
    const closed = closing(socket);
    while (!socket.destroyed && served.clientCounts.at(-1) !== 0)
      await new Promise((resolve) => setTimeout(resolve, 10));
    socket.resume();
    await closed;
    expect(socket.bytesRead).toBeLessThan(answer.data.length);
  });
});

test('a request that is not HTTP gets a JSON answer', async () => {
  await using world = testWorld();
  await using served = await startTestServer({ api: world.api });
  for (const [bytes, status] of [
    ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
    [`GET / HTTP/1.1\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
  ] as const) {
    const socket = await served.connect();
    socket.write(bytes);
    expect(await readAll(socket)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [^]*"extensions":\\{"code":"E_`));
  }
});

const body = JSON.stringify(lookUp);
const rawRequest = `POST /query HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

/** An API with the test's operations. */
function apiWith(execute: Api['execute']): Api {
  return {
    execute,
    stream: () => {
      throw new Error('nobody streams here');
    },
    kindOf: () => 'query',
    hasSession: () => false,
    sessionCount: 0,
    sweep: async () => await Promise.resolve(),
    [Symbol.asyncDispose]: async () => await Promise.resolve(),
  };
}

describe('operations', () => {
  test('of a client that closed its connection are aborted', async () => {
    const aborted = Promise.withResolvers<unknown>();
    const api = apiWith(async (_, __, signal) => {
      signal.addEventListener('abort', () => aborted.resolve(signal.reason));
      return (await aborted.promise) as never;
    });
    await using served = await startTestServer({ api, on: 'socket' });
    const socket = await served.connect();
    socket.write(rawRequest);
    while (served.clientCounts.length === 0) await new Promise((resolve) => setImmediate(resolve));
    socket.destroy();
    expect(await aborted.promise).toMatchObject({ code: 'E_ABORTED' });
  });

  test('have limits for running and waiting ones, and refuse more', async () => {
    const gate = Promise.withResolvers<void>();
    let atOnce = 0;
    let most = 0;
    const api = apiWith(async () => {
      most = Math.max(most, (atOnce += 1));
      await gate.promise;
      atOnce -= 1;
      return { data: 'done' };
    });
    await using served = await startTestServer({ api, limits: { operations: 3, waiting: 5 } });
    const refusals: Answered[] = [];
    const both = Promise.withResolvers<void>();
    const asked = Array.from({ length: 10 }, async () => {
      const answered = await served.ask();
      if (answered.status === 503) refusals.push(answered);
      if (refusals.length === 2) both.resolve();
      return answered;
    });
    await both.promise;
    expect(refusals[0]?.answer.errors?.[0]?.extensions).toMatchObject({ code: 'E_ENGINE_BUSY', retryable: true });
    gate.resolve();
    const statuses = (await Promise.all(asked)).map(({ status }) => status).toSorted((a, b) => a - b);
    expect(statuses).toEqual([200, 200, 200, 200, 200, 200, 200, 200, 503, 503]);
    expect(most).toBe(3);
  });

  test('take turns also for streamed answers', async () => {
    const gate = Promise.withResolvers<void>();
    const api = apiWith(async () => {
      await gate.promise;
      return { data: 'x'.repeat(1000) };
    });
    await using served = await startTestServer({ api, limits: { operations: 1, waiting: 1, answerBytes: 500 } });
    const asked = Array.from({ length: 3 }, async () => await served.ask({ headers: { accept: 'text/event-stream' } }));
    const first = await Promise.race(asked);
    expect(first.status).toBe(503);
    gate.resolve();
    const texts = (await Promise.all(asked)).filter(({ status }) => status === 200).map(({ text }) => text);
    expect(texts).toEqual([expect.stringContaining('E_LIMIT'), expect.stringContaining('E_LIMIT')]);
  });

  test('share a limit of memory for requests and answers', async () => {
    const answer = { data: 'x'.repeat(1000) };
    const api = apiWith(async () => await Promise.resolve(answer));
    await using served = await startTestServer({ api, limits: { heldBytes: 1000, answerBytes: 10_000 } });
    const { status, answer: told } = await served.ask();
    expect([status, told.errors?.[0]?.extensions.code]).toEqual([503, 'E_ENGINE_BUSY']);
    answer.data = 'x'.repeat(500);
    // Their memory is released, also after a refusal.
    for (let index = 0; index < 30; index += 1) expect((await served.ask()).answer).toEqual(answer);
  });

  test('with too large an answer give an error', async () => {
    const api = apiWith(async () => await Promise.resolve({ data: 'x'.repeat(1000) }));
    await using served = await startTestServer({ api, limits: { answerBytes: 500 } });
    const { answer } = await served.ask();
    expect(answer).toMatchObject({ errors: [{ extensions: { code: 'E_LIMIT' } }] });
    expect(answer.data).toBeUndefined();
  });

  test('that run when the engine stops are finished, and no new ones start', async () => {
    const gate = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const api = apiWith(async () => {
      begun.resolve();
      await gate.promise;
      return { data: 'done' };
    });
    await using served = await startTestServer({ api });
    const idle = await served.connect();
    const asked = served.ask();
    await begun.promise;
    const stopped = served.server.stop();
    await closing(idle);
    await expect(served.ask()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    gate.resolve();
    expect((await asked).answer).toEqual({ data: 'done' });
    await stopped;
  });
});

test('an impatient stop does not wait for idle clients', async () => {
  const begun = Promise.withResolvers<void>();
  const api = apiWith(async (_, __, signal) => {
    begun.resolve();
    await new Promise((resolve) => {
      signal.addEventListener('abort', resolve);
    });
    return { data: (signal.reason as Error).message };
  });
  await using served = await startTestServer({ api });
  const asked = served.ask();
  await begun.promise;
  await served.server.stop({ isPatient: false });
  expect((await asked).answer).toEqual({ data: 'the engine was stopped' });
});

test('a thousand clients at once are served, each on its own connection', async () => {
  await using world = testWorld();
  await using served = await startTestServer({ api: world.api, on: 'socket' });
  const answers = await Promise.all(Array.from({ length: 1000 }, async () => await served.ask({ body: lookUp })));
  expect(new Set(answers.map(({ text }) => text))).toEqual(new Set([JSON.stringify(found)]));
  while (served.clientCounts.at(-1) !== 0) await new Promise((resolve) => setImmediate(resolve));
});

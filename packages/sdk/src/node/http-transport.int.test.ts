import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { httpTransport } from './http-transport.ts';

interface Listening extends AsyncDisposable {
  readonly address: string;
  /** Bodies in order. */
  readonly bodies: readonly string[];
  /** Like an engine that ends or has too many clients. */
  closeIdle(): void;
}

async function listening(kind: 'socket' | 'port', answer: RequestListener): Promise<Listening> {
  const dir = mkdtempSync(join(tmpdir(), 'cachelane-http-'));
  const bodies: string[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    void text(request).then((body) => {
      bodies.push(body);
      answer(request, response);
    });
  });
  const path = join(dir, 's');
  await new Promise<void>((resolve) => {
    if (kind === 'socket') server.listen(path, resolve);
    else server.listen(0, '127.0.0.1', resolve);
  });
  return {
    address: kind === 'socket' ? `unix:${path}` : `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies,
    closeIdle: () => server.closeIdleConnections(),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(dir, { recursive: true });
    },
  };
}

const asked = { headers: { 'x-one': '1' }, signal: undefined, isInBackground: false };

test.each(['socket', 'port'] as const)('a %s transfers headers, bodies and answers of any status', async (kind) => {
  await using at = await listening(kind, ({ method, url, headers }, response) => {
    response.writeHead(418, { 'content-type': 'text/plain' });
    response.end(`${method} ${url} ${String(headers['x-one'])}`);
  });
  const transport = httpTransport(at.address);
  const response = await transport.post({ ...asked, body: 'ä'.repeat(100_000) });
  expect([response.status, response.contentType, await response.text()]).toEqual([418, 'text/plain', 'POST /query 1']);
  expect(at.bodies).toEqual(['ä'.repeat(100_000)]);
  transport.close();
});

test('a signal aborts a waiting request, and one with a partial answer', async () => {
  await using at = await listening('socket', (_, response) => {
    if (at.bodies.length > 1) response.write('begun');
  });
  const transport = httpTransport(at.address);
  for (const isBegun of [false, true]) {
    const controller = new AbortController();
    const { signal } = controller;
    const posted = transport.post({ ...asked, body: 'x', signal });
    const read = posted.then(async (response) => {
      for await (const _ of response.chunks()) controller.abort();
    });
    if (!isBegun) await expect.poll(() => at.bodies.length).toBe(1);
    if (!isBegun) controller.abort();
    await expect(read).rejects.toThrow();
  }
  transport.close();
});

test('a connection that closed while the program was busy is not used again', async () => {
  await using at = await listening('socket', (_, response) => response.end('told'));
  const transport = httpTransport(at.address);
  for (let times = 0; times < 5; times++) {
    const response = await transport.post({ ...asked, body: 'x' });
    expect(await response.text()).toBe('told');
    // The connection waits for the next request from the next turn on.
    await new Promise((resolve) => setImmediate(resolve));
    at.closeIdle();
  }
  transport.close();
});

test.each(['http://example.com', 'ftp://127.0.0.1:1', 'unix:relative', 'http://127.0.0.1:70000', 'http://u:p@h:1', ''])(
  '%j is not an address',
  (address) => {
    expect(() => httpTransport(address)).toThrow(expect.objectContaining({ code: 'E_USAGE' }));
  },
);

import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { RequestListener, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { limits } from '@cachelane/core';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { readImage } from './image-manifest.ts';
import { digestOf, imageType, servedBy } from './registry.fixture.ts';
import { openRegistry } from './registry.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cachelane-registry-'));
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  rmSync(dir, { recursive: true, force: true });
});

const noAbort = new AbortController().signal;
const layer = Buffer.from('layer');
const descriptor = { mediaType: 'tar', digest: digestOf(layer), sizeBytes: layer.length };
const platform = { os: 'linux', arch: 'x64' };

/** Everything that may be printed of an error, with its causes and their fields. */
function wordsOf(error: unknown): string {
  const words: string[] = [];
  for (let each = error; each instanceof Error; each = each.cause) {
    const { code, hint } = each as { readonly code?: unknown; readonly hint?: unknown };
    words.push(String(code), each.message, String(hint), each.stack ?? '');
  }
  return words.join('\n');
}

const thrownBy = async (work: Promise<unknown>): Promise<unknown> =>
  await work.then(
    () => 'taken',
    (error: unknown) => error,
  );

const manifestFrom = async (host: string): Promise<unknown> =>
  await thrownBy(openRegistry({ host, repository: 'pip' }).manifest('latest', noAbort));

describe('a redirect', () => {
  test.each([
    ['to an address with a user', (host: string) => `http://ann:s3cret@${host}/v2/pip/elsewhere`],
    ['to one with a user, and encrypted', (host: string) => `https://ann:s3cret@${host}/v2/pip/elsewhere`],
  ])('%s is refused', async (_, to) => {
    const seen: (string | undefined)[] = [];
    const answer: RequestListener = ({ url, headers }, response) => {
      seen.push(url);
      response.writeHead(302, { location: to(headers.host ?? '') }).end();
    };
    const error = await servedBy(answer, manifestFrom);
    expect(error).toMatchObject({ code: 'E_REMOTE_UNFIT' });
    expect(wordsOf(error)).not.toContain('s3cret');
    expect(seen).toEqual(['/v2/pip/manifests/latest']);
  });

  test.each(['http://localhost:5000/v2/x', 'http://127.0.0.1/v2/x', 'http://10.0.0.1/v2/x'])(
    'from another machine to %s: what listens there is not asked',
    async (location) => {
      const asked: string[] = [];
      vi.stubGlobal('fetch', async (url: URL) => {
        asked.push(url.href);
        return await Promise.resolve(new Response(null, { status: 307, headers: { location } }));
      });
      expect(await manifestFrom('registry.example')).toMatchObject({ code: 'E_REMOTE_UNFIT' });
      expect(asked).toEqual(['https://registry.example/v2/pip/manifests/latest']);
    },
  );
});

/** A registry with this answer for the token. */
const giving =
  (answer: string): RequestListener =>
  ({ url = '', headers: { host, authorization } }, response) => {
    if (url.startsWith('/token')) return void response.end(answer);
    if (authorization !== undefined) return void response.setHeader('content-type', imageType).end('{"layers":[]}');
    response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${host}/token"` }).end();
  };

describe('a token', () => {
  test('is read from an answer of at most 64 KiB', async () => {
    const most = JSON.stringify({ token: 't' }).padEnd(65_536);
    expect(await servedBy(giving(most), manifestFrom)).toBe('taken');
    expect(await servedBy(giving(`${most} `), manifestFrom)).toMatchObject({ code: 'E_REMOTE_UNFIT' });
  });

  test.each(['s3cret\ntoken', 's3cret token', 's3crét', '', 7, null, ['s3cret']])(
    'is rejected if it is no printable word, and appears in no error: %j',
    async (token) => {
      const error = await servedBy(giving(JSON.stringify({ token })), manifestFrom);
      expect(error).toMatchObject({ code: 'E_REMOTE_UNFIT' });
      expect(wordsOf(error)).not.toContain('s3cr');
    },
  );

  test('appears in no error', async () => {
    const error = await servedBy((request, response) => {
      if (request.headers.authorization === undefined) return giving('{"token":"s3cret"}')(request, response);
      response.destroy();
    }, manifestFrom);
    expect(error).toMatchObject({ code: 'E_REMOTE_GONE' });
    expect(wordsOf(error)).not.toContain('s3cret');
  });
});

test.each([429, 500, 503])('a registry that answers %i may be asked again later', async (status) => {
  const error = await servedBy((_, response) => void response.writeHead(status).end(), manifestFrom);
  expect(error).toMatchObject({ code: 'E_REMOTE_GONE', retryable: true });
});

/** Lets the maximum silence pass once `isWaiting`. */
async function errorAfterSilence(
  listener: RequestListener,
  { work, isWaiting }: { work: (host: string, signal: AbortSignal) => Promise<unknown>; isWaiting: () => boolean },
): Promise<unknown> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  return await servedBy(listener, async (host) => {
    const abort = new AbortController();
    const thrown = thrownBy(work(host, abort.signal));
    while (!isWaiting()) await setImmediate();
    vi.advanceTimersByTime(limits.remoteSilenceMs);
    for (let turns = 0; turns < 10; turns++) await setImmediate();
    // Ends a test in which the silence had no effect.
    abort.abort(new Error('it waits for ever'));
    return await thrown;
  });
}

describe('a silent registry is abandoned', () => {
  test('before it answers', async () => {
    const asked: ServerResponse[] = [];
    const error = await errorAfterSilence((_, response) => void asked.push(response), {
      work: async (host, signal) => await openRegistry({ host, repository: 'pip' }).manifest('latest', signal),
      isWaiting: () => asked.length > 0,
    });
    expect(error).toMatchObject({ code: 'E_REMOTE_GONE' });
  });

  test('in the middle of a layer', async () => {
    const file = join(dir, 'layer');
    const error = await errorAfterSilence((_, response) => void response.writeHead(200).write('lay'), {
      work: async (host, signal) => await openRegistry({ host, repository: 'pip' }).blob(descriptor, file, signal),
      isWaiting: () => existsSync(file) && statSync(file).size === 3,
    });
    expect(error).toMatchObject({ code: 'E_REMOTE_GONE' });
  });
});

const pull = async (file: string): Promise<unknown> =>
  await servedBy(
    (_, response) => void response.end(layer),
    async (host) => await thrownBy(openRegistry({ host, repository: 'pip' }).blob(descriptor, file, noAbort)),
  );

describe('the file of a layer', () => {
  test('cannot be read by other users', async () => {
    const umask = process.umask(0);
    try {
      expect(await pull(join(dir, 'layer'))).toBe('taken');
    } finally {
      process.umask(umask);
    }
    expect(statSync(join(dir, 'layer')).mode & 0o777).toBe(0o600);
  });

  test('is always a new file', async () => {
    writeFileSync(join(dir, 'layer'), 'of somebody else');
    expect(await pull(join(dir, 'layer'))).toMatchObject({ code: 'EEXIST' });
    expect(readFileSync(join(dir, 'layer'), 'utf8')).toBe('of somebody else');
  });
});

const read = async (layers: readonly unknown[]): Promise<unknown> =>
  await servedBy(
    (_, response) => void response.setHeader('content-type', imageType).end(JSON.stringify({ layers })),
    async (host) => {
      const registry = openRegistry({ host, repository: 'pip' });
      const wanted = { tag: 'latest', digest: null };
      return await thrownBy(readImage(registry, wanted, { platform, maxBytes: 1000 }, noAbort));
    },
  );
const one = { mediaType: 'tar', digest: digestOf(''), size: 0 };

describe('a manifest', () => {
  test('has at most 128 layers', async () => {
    expect(await read(Array.from({ length: 128 }, () => one))).toBe('taken');
    expect(await read(Array.from({ length: 129 }, () => one))).toMatchObject({ code: 'E_LIMIT' });
  });

  test.each([-1, 1.5, 2 ** 53, '5', null, undefined])('rejects an invalid layer size: %j', async (size) => {
    expect(await read([{ ...one, size }])).toMatchObject({ code: 'E_REMOTE_UNFIT' });
  });
});

import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
  chmodSync,
  mkdirSync,
} from 'node:fs';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseNamespace, parseVolumeName, type ProviderRoom } from '@cachelane/core';
import { requireCommands, startDockerRegistry, type DockerRegistry } from '@cachelane/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ociProvider, type OciProviderOptions } from './oci-provider.ts';
import { digestOf, imageType, indexType, servedBy } from './registry.fixture.ts';

let dir = '';
const day = 86_400_000;
let nowMs = Date.UTC(2026, 10, 26);
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cachelane-oci-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

/** Layers are plain texts here; archives are tested where they are read. */
const unpack: OciProviderOptions['unpack'] = async (layers, { dir: into }) => {
  writeFileSync(join(into, 'all'), layers.map((file) => readFileSync(file, 'utf8')).join('+'));
  return await Promise.resolve({ linksLeftOut: 0 });
};

type More = Partial<OciProviderOptions> & { readonly fetch?: ProviderRoom | null };

const plenty = { seedBytes: Infinity, diskBytes: 1e12 };

async function seed(argument: string, { fetch = plenty, ...more }: More = {}): Promise<string> {
  const platform = { os: 'linux', arch: 'x64' };
  const provider = ociProvider({
    dir: join(dir, 'images'),
    bootId: 'boot-1',
    clock: { nowMs: () => nowMs },
    platform,
    unpack,
    ...more,
  });
  const request = {
    argument,
    volume: parseVolumeName('pip'),
    tool: 'pip',
    compat: {},
    project: parseNamespace('github.com/acme/web'),
    place: null,
    fetch,
  };
  const provided = await provider.provide(request, new AbortController().signal);
  if (provided.kind !== 'seed') throw new Error('it is a seed');
  return provided.directory;
}

const text = (directory: string) => readFileSync(join(directory, 'all'), 'utf8');
const layers = (...texts: string[]) => texts.map((each) => Buffer.from(each));

requireCommands('docker-registry')('a real registry', () => {
  const servers: DockerRegistry[] = [];
  const started = async () => {
    const server = await startDockerRegistry();
    servers.push(server);
    return server;
  };
  afterEach(async () => {
    for (const server of servers.splice(0)) await server[Symbol.asyncDispose]();
  });

  test('an image by its tag, its digest, and both', async () => {
    const registry = await started();
    const { digest } = await registry.push({ repository: 'team/pip', tag: '1', layers: layers('low', 'high') });
    for (const name of ['team/pip:1', `team/pip@${digest}`, `team/pip:1@${digest}`]) {
      expect(text(await seed(`${registry.host}/${name}`))).toBe('low+high');
    }
  });

  test('the image for this machine from an index', async () => {
    const registry = await started();
    const [amd, arm] = [
      await registry.push({ repository: 'pip', layers: layers('amd') }),
      await registry.push({ repository: 'pip', layers: layers('arm') }),
    ];
    await registry.pushIndex({ repository: 'pip', tag: 'latest', images: { 'linux/arm64': arm, 'linux/amd64': amd } });
    const name = `${registry.host}/pip`;
    expect(text(await seed(name))).toBe('amd');
    expect(text(await seed(name, { platform: { os: 'linux', arch: 'arm64' } }))).toBe('arm');
    await expect(seed(name, { platform: { os: 'linux', arch: 's390x' } })).rejects.toMatchObject({
      code: 'E_NOT_FOUND',
      hint: expect.stringContaining('linux/arm64, linux/amd64'),
    });
  });

  test('an image without a platform from an index', async () => {
    const registry = await started();
    const any = await registry.push({ repository: 'pip', layers: layers('any') });
    const index = await registry.pushIndex({ repository: 'pip', tag: 'latest', images: { '': any } });
    expect(text(await seed(`${registry.host}/pip`))).toBe('any');
    const byDigest = `${registry.host}/pip@${index.digest}`;
    expect(text(await seed(byDigest))).toBe('any');
    // The index has another digest than its image, which is found by either.
    await servers.pop()?.[Symbol.asyncDispose]();
    expect(text(await seed(`${registry.host}/pip:other@${index.digest}`))).toBe('any');
  });

  test('is not pulled twice, and the registry is not needed for a known digest', async () => {
    const registry = await started();
    const { digest } = await registry.push({ repository: 'pip', tag: 'latest', layers: layers('a') });
    const first = await seed(`${registry.host}/pip`);
    writeFileSync(join(first, 'mark'), '');
    expect(existsSync(join(await seed(`${registry.host}/pip`), 'mark'))).toBe(true);
    await servers.pop()?.[Symbol.asyncDispose]();
    expect(existsSync(join(await seed(`${registry.host}/pip@${digest}`), 'mark'))).toBe(true);
    expect(existsSync(join(await seed(`${registry.host}/pip`), 'mark'))).toBe(true);
    await expect(seed(`${registry.host}/other`)).rejects.toMatchObject({ code: 'E_REMOTE_GONE' });
  });

  test('is not pulled for a look', async () => {
    const registry = await started();
    const { digest } = await registry.push({ repository: 'pip', tag: 'latest', layers: layers('a') });
    const [byTag, byDigest] = [`${registry.host}/pip`, `${registry.host}/pip@${digest}`];
    for (const name of [byTag, byDigest]) expect(existsSync(await seed(name, { fetch: null }))).toBe(false);
    expect(existsSync(join(dir, 'images'))).toBe(false);
    const there = await seed(byTag);
    await servers.pop()?.[Symbol.asyncDispose]();
    expect([await seed(byTag, { fetch: null }), await seed(byDigest, { fetch: null })]).toEqual([there, there]);
  });

  test('is refused above the size of a seed, or without enough free space', async () => {
    const registry = await started();
    await registry.push({ repository: 'pip', tag: 'latest', layers: [Buffer.alloc(3000), Buffer.alloc(1000)] });
    const asked: unknown[] = [];
    const asking: OciProviderOptions['unpack'] = async (_, { dir: _into, ...most }) => {
      asked.push(most);
      return await Promise.resolve({ linksLeftOut: 0 });
    };
    const pull = async (seedBytes: number, diskBytes: number) => {
      rmSync(join(dir, 'images'), { recursive: true, force: true });
      await seed(`${registry.host}/pip`, { unpack: asking, fetch: { seedBytes, diskBytes } });
    };
    await pull(Infinity, 1e12);
    await pull(5000, 1e12);
    await pull(5000, 5000);
    expect(asked).toEqual([
      { maxBytes: 68_719_476_736, why: 'no image may have more' },
      { maxBytes: 5000, why: expect.stringContaining('policy volume-size') },
      { maxBytes: 1000, why: expect.stringContaining('policy free-space') },
    ]);
    await expect(pull(5000, 4000)).rejects.toMatchObject({ code: 'E_QUOTA' });
    expect(existsSync(join(dir, 'images')) ? readdirSync(join(dir, 'images')) : []).toEqual([]);
  });

  test('a tag that moved is another image; one of another boot is pulled again', async () => {
    const registry = await started();
    await registry.push({ repository: 'pip', tag: 'latest', layers: layers('a') });
    const before = await seed(`${registry.host}/pip`);
    await registry.push({ repository: 'pip', tag: 'latest', layers: layers('b') });
    const after = await seed(`${registry.host}/pip`);
    expect([text(before), text(after)]).toEqual(['a', 'b']);
    writeFileSync(join(after, 'all'), 'half of it');
    expect(text(await seed(`${registry.host}/pip`, { bootId: 'boot-2' }))).toBe('b');
  });

  test('an image unused for a month is deleted, even with unreadable directories', async () => {
    const registry = await started();
    await registry.push({ repository: 'pip', tag: 'latest', layers: layers('a') });
    const old = await seed(`${registry.host}/pip`);
    mkdirSync(join(old, 'closed'));
    writeFileSync(join(old, 'closed/file'), '');
    chmodSync(join(old, 'closed'), 0o500);
    const half = join(dir, 'images/new-half');
    mkdirSync(half);
    utimesSync(half, nowMs / 1000, nowMs / 1000);
    nowMs += 31 * day;
    await registry.push({ repository: 'pip', tag: 'latest', layers: layers('b') });
    const fresh = await seed(`${registry.host}/pip`);
    expect([existsSync(old), existsSync(half), existsSync(fresh)]).toEqual([false, false, true]);
  });

  test('a failed pull leaves nothing', async () => {
    const registry = await started();
    await registry.push({ repository: 'pip', tag: 'latest', layers: layers('a') });
    const failing = { unpack: async () => await Promise.reject(new Error('refused')) };
    await expect(seed(`${registry.host}/pip`, failing)).rejects.toThrow('refused');
    expect(readdirSync(join(dir, 'images'))).toEqual([]);
    await expect(seed(`${registry.host}/none`)).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
  });
});

const refused = async (listener: RequestListener, name = 'pip') =>
  await servedBy(listener, async (host) => {
    try {
      return text(await seed(`${host}/${name}`));
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      return `${code}: ${message}`;
    }
  });

describe('a registry with invalid answers', () => {
  const layer = Buffer.from('layer');
  const manifest = (size = layer.length, digest = digestOf(layer)) =>
    JSON.stringify({ mediaType: imageType, layers: [{ mediaType: 'tar', digest, size }] });

  const layersOf = (count: number) =>
    JSON.stringify({
      mediaType: imageType,
      layers: Array.from({ length: count }, () => ({ mediaType: 'tar', digest: digestOf(layer), size: 5 })),
    });

  const serving =
    (body: string | Buffer, blob: string | Buffer = layer): RequestListener =>
    ({ url = '' }, response) =>
      void response.setHeader('content-type', imageType).end(url.includes('/blobs/') ? blob : body);

  test('plain', async () => {
    expect(await refused(serving(manifest()))).toBe('layer');
  });

  test.each<[string, RequestListener, string]>([
    ['no JSON', serving('<html>'), 'E_REMOTE_UNFIT'],
    ['no layers', serving('{}'), 'E_REMOTE_UNFIT'],
    ['a digest that is a path', serving(manifest(5, '../../etc')), 'E_REMOTE_UNFIT'],
    ['another layer than its digest says', serving(manifest(), 'LAYER'), 'E_OBJECT_CORRUPT'],
    ['half a layer', serving(manifest(), 'lay'), 'E_OBJECT_CORRUPT'],
    ['more of a layer than it says', serving(manifest(3), layer), 'E_REMOTE_UNFIT'],
    ['too large a layer', serving(manifest(2 ** 40)), 'E_LIMIT'],
    ['a size that is below nothing', serving(manifest(-1)), 'E_REMOTE_UNFIT'],
    ['a size of half a byte', serving(manifest(5.5)), 'E_REMOTE_UNFIT'],
    ['more layers than an image has', serving(layersOf(129)), 'E_LIMIT'],
    ['too many questions', (_, response) => void response.writeHead(429).end(), 'E_REMOTE_GONE'],
    [
      'a way with a name in it',
      (_, response) => void response.writeHead(302, { location: 'http://ann@127.0.0.1:1/' }).end(),
      'E_REMOTE_UNFIT',
    ],
    ['a manifest without end', serving('x'.repeat(5_000_000)), 'E_REMOTE_UNFIT'],
    ['an error of its own', (_, response) => void response.writeHead(500).end('s3cret'), 'E_REMOTE_GONE'],
    [
      'a password',
      (_, response) => void response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end(),
      'E_REMOTE_DENIED',
    ],
    ['no right', (_, response) => void response.writeHead(403).end(), 'E_REMOTE_DENIED'],
    [
      'a redirect without encryption',
      (_, response) => void response.writeHead(302, { location: 'http://10.0.0.1/' }).end(),
      'E_REMOTE_UNFIT',
    ],
    ['a way round', ({ url }, response) => void response.writeHead(302, { location: url }).end(), 'E_REMOTE_UNFIT'],
  ])('%s', async (_, listener, code) => {
    const said = await refused(listener);
    expect(said).toMatch(new RegExp(`^${code}: `));
    expect(said).not.toContain('s3cret');
    expect(existsSync(join(dir, 'images')) ? readdirSync(join(dir, 'images')) : []).toEqual([]);
  });

  describe('a document', () => {
    const dockerType = 'application/vnd.docker.distribution.manifest.v2+json';
    const evil = manifest(4, digestOf('evil'));
    const layers = [{ mediaType: 'tar', digest: digestOf(layer), size: layer.length }];
    const manifests = [{ mediaType: imageType, digest: digestOf(evil), size: evil.length }];
    /** Pinned by its digest: the server must not decide what it means. */
    const pinned = async (document: object, type: string) => {
      const body = JSON.stringify(document);
      const listener: RequestListener = ({ url = '' }, response) => {
        if (url.includes('/blobs/')) return void response.end(url.endsWith(digestOf('evil')) ? 'evil' : layer);
        const isEvil = url.endsWith(digestOf(evil));
        response.setHeader('content-type', isEvil ? imageType : type).end(isEvil ? evil : body);
      };
      return await refused(listener, `pip@${digestOf(body)}`);
    };

    test.each([imageType, indexType, 'application/json'])(
      'that is an image and an index is neither: %s',
      async (type) => {
        for (const own of [{}, { mediaType: imageType }, { mediaType: indexType }])
          expect(await pinned({ ...own, layers, manifests }, type)).toContain('E_REMOTE_UNFIT');
        expect(await pinned({ mediaType: indexType, config: {}, manifests }, type)).toContain('E_REMOTE_UNFIT');
      },
    );

    test.each([
      [{ mediaType: imageType, layers }, indexType],
      [{ mediaType: indexType, manifests }, imageType],
      [{ mediaType: imageType, layers }, dockerType],
      [{ layers }, indexType],
      [{ manifests }, imageType],
      [{ mediaType: indexType, layers }, indexType],
      [{ mediaType: imageType, manifests }, 'application/json'],
      [{ layers }, 'application/json'],
      [{ mediaType: 1, layers }, imageType],
      [{ mediaType: indexType, manifests: [{ ...manifests[0], mediaType: dockerType }] }, indexType],
      [{ mediaType: indexType, manifests: [{ ...manifests[0], mediaType: indexType }] }, indexType],
    ])('%j with the type %s is refused', async (document, type) => {
      expect(await pinned(document, type)).toContain('E_REMOTE_UNFIT');
    });

    test.each<[object, string, string]>([
      [{ mediaType: imageType, layers }, 'application/json', 'layer'],
      [{ layers }, imageType, 'layer'],
      [{ mediaType: indexType, manifests }, 'application/json', 'evil'],
      [{ manifests }, indexType, 'evil'],
    ])('%j with the type %s is read by its content', async (document, type, holds) => {
      expect(await pinned(document, type)).toBe(holds);
    });
  });

  test('a manifest with a wrong digest', async () => {
    expect(await refused(serving(manifest()), `pip@${digestOf('other')}`)).toContain('E_OBJECT_CORRUPT');
  });

  test('an anonymous token is sent only to the registry', async () => {
    const seen: string[] = [];
    const said = await refused(({ url = '', headers: { host, authorization } }, response) => {
      seen.push(`${url.split('?')[0]} ${authorization ?? '-'}`);
      if (url.startsWith('/token')) {
        expect(new URL(url, 'http://x').searchParams.get('scope')).toBe('repository:pip:pull');
        return void response.end('{"token":"t0ken"}');
      }
      if (authorization !== 'Bearer t0ken') {
        const challenge = `Bearer realm="http://${host}/token",service="r",scope="repository:pip:pull"`;
        return void response.writeHead(401, { 'www-authenticate': challenge }).end();
      }
      serving(manifest())({ url } as never, response);
    });
    expect(said).toBe('layer');
    expect(seen).toEqual([
      '/v2/pip/manifests/latest -',
      '/token -',
      '/v2/pip/manifests/latest Bearer t0ken',
      `/v2/pip/blobs/${digestOf(layer)} Bearer t0ken`,
    ]);
  });

  test.each([
    [JSON.stringify({ token: 'a\nb: c' }), 'returns no token'],
    [JSON.stringify({ token: 1 }), 'returns no token'],
    [JSON.stringify({ token: 'a'.repeat(70_000) }), 'sends more than announced'],
  ])('an invalid token', async (token, why) => {
    const said = await refused(({ url = '', headers: { host } }, response) => {
      if (url.startsWith('/token')) return void response.end(token);
      response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${host}/token"` }).end();
    });
    expect(said).toContain(why);
  });

  test('a token is not requested without encryption', async () => {
    const challenge = 'Bearer realm="http://10.0.0.1/token"';
    const said = await refused((_, response) => void response.writeHead(401, { 'www-authenticate': challenge }).end());
    expect(said).toContain('E_REMOTE_UNFIT');
  });

  test('layers on another server are fetched without the token', async () => {
    const seen: (string | undefined)[] = [];
    const said = await servedBy(
      ({ headers }, response) => {
        seen.push(headers.authorization);
        response.end(layer);
      },
      async (other) =>
        await refused(({ url = '', headers: { authorization, host } }, response) => {
          if (url.startsWith('/token')) return void response.end('{"access_token":"t0ken"}');
          if (authorization === undefined)
            return void response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${host}/token"` }).end();
          if (url.includes('/blobs/')) return void response.writeHead(307, { location: `http://${other}/x` }).end();
          serving(manifest())({ url } as never, response);
        }),
    );
    expect(said).toBe('layer');
    expect(seen).toEqual([undefined]);
  });
});

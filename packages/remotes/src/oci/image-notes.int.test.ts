import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseNamespace, parseVolumeName, type Provided } from '@cachelane/core';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ImageCache } from './image-cache.ts';
import { ociProvider } from './oci-provider.ts';
import { digestOf, imageType, indexType, servedBy } from './registry.fixture.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cachelane-notes-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const nowMs = Date.UTC(2026, 10, 26);
const digest = `sha256:${'a'.repeat(64)}`;
const cache = () => new ImageCache({ dir: join(dir, 'images'), bootId: 'boot-1', nowMs });

test.each(['', '../../etc', 'sha256:abc', `${digest}/..`, `${digest}\n`, `sha512:${'a'.repeat(64)}`])(
  'a note without a digest is ignored: %j',
  async (text) => {
    await cache().add(digest, async () => await Promise.resolve());
    cache().noteTag('name', digest);
    expect(cache().tagged('name')).toBe(digest);
    const note = readdirSync(join(dir, 'images')).find((name) => name.startsWith('tag-')) ?? '';
    writeFileSync(join(dir, 'images', note), text);
    expect(cache().tagged('name')).toBeNull();
  },
);

test('other users cannot read images', async () => {
  const umask = process.umask(0);
  try {
    await cache().add(digest, async () => await Promise.resolve());
  } finally {
    process.umask(umask);
  }
  expect(statSync(join(dir, 'images')).mode & 0o777).toBe(0o700);
});

test('the image for this machine is found by the digest of its index', async () => {
  const layer = Buffer.from('layer');
  const image = JSON.stringify({ layers: [{ mediaType: 'tar', digest: digestOf(layer), size: layer.length }] });
  const manifests = [{ mediaType: imageType, digest: digestOf(image), size: image.length }];
  const index = JSON.stringify({ mediaType: indexType, manifests });
  const asked: string[] = [];
  await servedBy(
    ({ url = '' }, response) => {
      asked.push(url);
      if (url.includes('/blobs/')) return void response.end(layer);
      const isImage = url.endsWith(digestOf(image));
      response.setHeader('content-type', isImage ? imageType : indexType).end(isImage ? image : index);
    },
    async (host) => {
      const provider = ociProvider({
        dir: join(dir, 'images'),
        bootId: 'boot-1',
        clock: { nowMs: () => nowMs },
        platform: { os: 'linux', arch: 'x64' },
        unpack: async () => await Promise.resolve({ linksLeftOut: 3 }),
      });
      const provide = async (name: string) =>
        await provider.provide(
          {
            argument: `${host}/${name}`,
            volume: parseVolumeName('pip'),
            tool: 'pip',
            compat: {},
            project: parseNamespace('github.com/acme/web'),
            place: null,
            fetch: { seedBytes: 1000, diskBytes: 1000 },
          },
          new AbortController().signal,
        );
      const first = await provide(`pip:1@${digestOf(index)}`);
      const { directory } = first as Extract<Provided, { readonly kind: 'seed' }>;
      expect(readFileSync(join(dirname(directory), 'left-out'), 'utf8')).toBe('3');
      expect(asked.splice(0)).toHaveLength(3);
      expect(await provide(`pip@${digestOf(index)}`)).toEqual(first);
      expect(await provide(`pip@${digestOf(image)}`)).toEqual(first);
      expect(asked).toEqual([]);
    },
  );
});

import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ThreadWork } from './image-cache-thread.fixture.ts';
import { ImageCache } from './image-cache.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cachelane-images-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const day = 86_400_000;
const startMs = Date.UTC(2026, 10, 26);
const digest = `sha256:${'a'.repeat(64)}`;
const cache = (bootId = 'boot-1', nowMs = startMs) => new ImageCache({ dir: join(dir, 'images'), bootId, nowMs });
const text = (tree: string | null) => (tree === null ? null : readFileSync(join(tree, 'all'), 'utf8'));

async function add(to: ImageCache, content: string, meanwhile: () => Promise<unknown> = async () => null) {
  return await to.add(digest, async ({ tree }) => {
    writeFileSync(join(tree, 'all'), content);
    await meanwhile();
  });
}

test('concurrent processes all get the image that was added first', async () => {
  let first: string | null = null;
  const second = await add(cache(), 'second', async () => {
    first = await add(cache(), 'first');
  });
  expect([text(first), text(second)]).toEqual(['first', 'first']);
  expect(readdirSync(join(dir, 'images'))).toHaveLength(1);
});

test('after a reboot several processes make an image again, and all keep a valid one', async () => {
  const old = await add(cache(), 'of before');
  for (let count = 0; count < 500; count++) writeFileSync(join(old, String(count)), '');
  expect(cache('boot-2').find(digest)).toBeNull();
  const threads = 4;
  const ready = new Int32Array(new SharedArrayBuffer(8));
  const work: ThreadWork = { dir: join(dir, 'images'), digest, files: 200, nowMs: startMs, ready, threads };
  const answers = await Promise.all(
    Array.from({ length: threads }, async () => {
      const worker = new Worker(new URL('image-cache-thread.fixture.ts', import.meta.url), { workerData: work });
      const [answer] = (await once(worker, 'message')) as [string];
      await worker.terminate();
      return answer;
    }),
  );
  expect(answers).toEqual(['200', '200', '200', '200']);
});

test('an image of another boot is deleted after an hour, one of this boot a month after its last use', async () => {
  await add(cache(), 'a');
  const [name = ''] = readdirSync(join(dir, 'images'));
  expect(cache('boot-2', startMs + day / 48).sweep()).toEqual([]);
  expect(cache('boot-1', startMs + 29 * day).find(digest)).not.toBeNull();
  expect(cache('boot-1', startMs + 58 * day).stale()).toEqual([]);
  expect(cache('boot-1', startMs + 60 * day).stale()).toEqual([name]);
  expect(cache('boot-2', startMs + 30 * day).stale()).toEqual([name]);
  expect(cache('boot-2', startMs + 30 * day).sweep()).toEqual([name]);
  expect(readdirSync(join(dir, 'images'))).toEqual([]);
});

test('an unfinished image is deleted after a day, and leftovers of a killed sweep at once', () => {
  for (const name of ['new-a', 'gone-b']) {
    mkdirSync(join(dir, 'images', name, 'tree'), { recursive: true });
    utimesSync(join(dir, 'images', name), startMs / 1000, startMs / 1000);
  }
  expect(cache('boot-1', startMs + 1000).sweep()).toEqual(['gone-b']);
  expect(cache('boot-1', startMs + 2 * day).sweep()).toEqual(['new-a']);
  expect(existsSync(join(dir, 'images/new-a'))).toBe(false);
});

test.runIf(process.geteuid?.() === 0)('files that we may not delete stay, and do not block other images', async () => {
  for (const name of [`sha256-${'b'.repeat(64)}`, 'tag-x', 'new-a']) {
    mkdirSync(join(dir, 'images', name, 'tree'), { recursive: true });
    utimesSync(join(dir, 'images', name), startMs / 1000, startMs / 1000);
  }
  const user = 65_534;
  chownSync(join(dir, 'images'), user, user);
  chownSync(dir, user, user);
  const euid = process.geteuid?.() ?? 0;
  process.seteuid?.(user);
  try {
    const later = cache('boot-1', startMs + 60 * day);
    expect(text(await add(later, 'a'))).toBe('a');
    expect(text(later.find(digest))).toBe('a');
  } finally {
    process.seteuid?.(euid);
  }
});

test('a note without a valid digest is ignored', async () => {
  await add(cache(), 'a');
  cache().noteTag('name', '../../etc');
  expect(cache().tagged('name')).toBeNull();
});

test('the digest of a name is kept while it is used', async () => {
  await add(cache(), 'a');
  cache().noteTag('name', digest);
  const noted = readdirSync(join(dir, 'images')).find((each) => each.startsWith('tag-')) ?? '';
  utimesSync(join(dir, 'images', noted), startMs / 1000, startMs / 1000);
  expect(cache('boot-1', startMs + 29 * day).tagged('name')).toBe(digest);
  expect(statSync(join(dir, 'images')).mode & 0o777).toBe(0o700);
  expect(cache('boot-1', startMs + 58 * day).stale()).not.toContain(noted);
  expect(cache('boot-1', startMs + 60 * day).stale()).toContain(noted);
});

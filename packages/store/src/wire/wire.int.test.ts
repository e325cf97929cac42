import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { zstdCompress } from 'node:zlib';
import { digestOf, encodeIndex, limits, type Entry, type IncomingLayer, type LayerId } from '@cachelane/core';
import { contentEntry, madeEntry, removalEntry, requireCommands, stageAll } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { createLayerHome, type LayerHome } from '../layers/layer-home.fixture.ts';
import { archiveEndBytes, paddingOf, tarHeader, withTarget } from './tar-entries.ts';

const noAbort = new AbortController().signal;
const compress = promisify(zstdCompress);

async function frame(content: Buffer, claimed = content.length): Promise<Buffer> {
  const compressed = await compress(content);
  const lead = Buffer.alloc(16);
  lead.writeUInt32LE(0x18_4d_2a_50, 0);
  lead.writeUInt32LE(8, 4);
  lead.writeUInt32LE(compressed.length, 8);
  lead.writeUInt32LE(claimed, 12);
  return Buffer.concat([lead, compressed]);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  await Promise.resolve();
  yield bytes;
}

interface Sent {
  readonly entry: Entry;
  readonly content?: Uint8Array;
}

/** A layer as somebody might send it who does not use our code: index and archive are well made, whatever they say. */
async function sent(items: readonly Sent[]): Promise<IncomingLayer> {
  const sorted = items.toSorted((a, b) => (a.entry.path < b.entry.path ? -1 : 1));
  const index = encodeIndex(sorted.map(({ entry }) => entry));
  const blocks = sorted.flatMap(({ entry, content }) => {
    const header = tarHeader(entry);
    if (entry.type === 'symlink') return [withTarget(header, content ?? Buffer.alloc(0))];
    return content === undefined ? [header.bytes] : [header.bytes, content, Buffer.alloc(paddingOf(content.length))];
  });
  const data = await frame(Buffer.concat([...blocks, Buffer.alloc(archiveEndBytes)]));
  return { id: digestOf(index) as LayerId, index, data: once(data), sealedAtMs: 1 };
}

function file(path: string, text = 'x'): Sent {
  const content = Buffer.from(text);
  return { entry: contentEntry(path, content).entry, content };
}

function at(path: string, mtimeNs: bigint): Sent {
  const sent = file(path);
  return { ...sent, entry: { ...sent.entry, mtimeNs } };
}

function directory(path: string): Sent {
  return { entry: madeEntry(path).entry };
}

function link(path: string, target: string): Sent {
  const content = Buffer.from(target);
  const { entry } = contentEntry(path, content, { type: 'symlink', mode: 0o777 });
  return { entry, content };
}

async function reasonFor(home: LayerHome, items: readonly Sent[]): Promise<string> {
  const store = home.open();
  const error: unknown = await store.unpack(await sent(items), noAbort).then(
    async (staged) => {
      await store.unstage(staged, noAbort);
      return null;
    },
    (thrown: unknown) => thrown,
  );
  expect(home.leftovers()).toEqual([]);
  return error === null ? 'taken in' : (error as Error).message;
}

describe('a layer that somebody else made', () => {
  test('is taken in where it says nothing wrong', async () => {
    await using home = await createLayerHome();
    const items = [directory('d'), file('d/f'), link('d/near', 'f'), link('d/up', '../d/f'), link('top', 'd/./f')];
    expect(await reasonFor(home, items)).toBe('taken in');
  });

  test.each([
    ['an absolute symlink', [link('l', '/etc')], 'l is a symlink that leads out of the volume'],
    ['one that climbs out', [directory('d'), link('d/l', '../../x')], 'd/l is a symlink that leads out of the volume'],
    ['one that climbs out by a detour', [link('l', 'a/../../x')], 'l is a symlink that leads out of the volume'],
    [
      'one that climbs out through another one',
      [directory('a'), directory('a/b'), link('a/b/root', '../..'), link('l', 'a/b/root/../x')],
      'l is a symlink that leads out of the volume',
    ],
    ['a file used as a directory', [file('a'), file('a/b')], 'a is a directory and something else at once'],
    ['a symlink used as a directory', [link('a', '.'), file('a/b')], 'a is a directory and something else at once'],
    [
      'a removal used as a directory',
      [{ entry: removalEntry('a', 'counted').entry }, file('a/b')],
      'a is a directory and something else at once',
    ],
    ['a directory that is missing', [file('a/b')], 'a is missing'],
    ['a symlink to nothing', [link('l', '')], 'l is a symlink with a target that is none'],
    ['a symlink that is too long', [link('l', 'x'.repeat(5000))], 'l is a symlink with a target that is none'],
    ['a time of no file system', [at('f', 2n ** 62n * 1000n)], 'f has a time that no file system holds'],
  ] satisfies readonly (readonly [string, readonly Sent[], string])[])(
    'is refused for %s',
    async (_, items, reason) => {
      await using home = await createLayerHome();
      expect(await reasonFor(home, items)).toContain(reason);
    },
  );

  test('is refused for content that its index does not have, whatever it is called there', async () => {
    await using home = await createLayerHome();
    const { entry } = file('f', 'good');
    expect(await reasonFor(home, [{ entry, content: Buffer.from('evil') }])).toContain('disagree at f');
    const one = await sent([file('f')]);
    const other = await sent([{ ...file('f'), entry: { ...file('f').entry, mode: 0o777 } }]);
    const mixed = { ...one, data: other.data };
    await expect(home.open().unpack(mixed, noAbort)).rejects.toThrow(/index and content disagree at f/);
  });

  test('is refused when it grows out of all proportion, or claims more than the disk has', async () => {
    await using home = await createLayerHome();
    const big = contentEntry('f', 'x', { sizeBytes: 2 ** 50 }).entry;
    const error: unknown = await home
      .open()
      .unpack({ ...(await sent([])), ...(await indexOnly([big])) }, noAbort)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'E_DISK_FULL' });
    const zeros = Buffer.alloc(4_194_304);
    const count = Math.ceil(limits.incomingUnchecked / zeros.length) + 10;
    const bomb = contentEntry('f', 'x', { sizeBytes: zeros.length * count }).entry;
    const header = tarHeader(bomb).bytes;
    const head = await frame(Buffer.concat([header, zeros.subarray(header.length)]));
    const body = await frame(zeros);
    const source = async function* (): AsyncGenerator<Uint8Array> {
      yield* once(head);
      for (let sentFrames = 0; sentFrames < count; sentFrames++) yield body;
    };
    await expect(
      home.open().unpack({ ...(await indexOnly([bomb])), data: source(), sealedAtMs: 1 }, noAbort),
    ).rejects.toThrow(/becomes more than 1000 times as large/);
    expect(home.leftovers()).toEqual([]);
  });

  test('is refused before anything is made of sizes that would fill the memory', async () => {
    await using home = await createLayerHome();
    const long = contentEntry('l', 'x', { type: 'symlink', mode: 0o777, sizeBytes: 2 ** 40 }).entry;
    const parts = Array.from(
      { length: 3 },
      (_, i) => contentEntry(`d${i}`, 'x', { form: 'delta', sizeBytes: limits.mergedFileBytes }).entry,
    );
    for (const [entries, why] of [
      [[long], /a target that is none/],
      [parts, /parts of files are/],
    ] as const) {
      const nothing = { data: once(Buffer.alloc(0)), sealedAtMs: 1 };
      await expect(home.open().unpack({ ...(await indexOnly(entries)), ...nothing }, noAbort)).rejects.toThrow(why);
    }
    const tiny = await frame(Buffer.alloc(1));
    const many = once(Buffer.concat(Array.from({ length: 1000 }, () => tiny)));
    const good = await sent([file('f')]);
    await expect(home.open().unpack({ ...good, data: many }, noAbort)).rejects.toThrow(/smaller than any|disagree/);
  });

  test('is refused for frames that claim other sizes', async () => {
    await using home = await createLayerHome();
    const good = await sent([file('f')]);
    const archive = Buffer.concat([
      tarHeader(file('f').entry).bytes,
      Buffer.from('x'),
      Buffer.alloc(511 + archiveEndBytes),
    ]);
    for (const claimed of [0, 1, archive.length - 1, archive.length + 1, 5_000_000]) {
      const data = once(await frame(archive, claimed));
      await expect(home.open().unpack({ ...good, data }, noAbort)).rejects.toMatchObject({ code: 'E_LAYER_REFUSED' });
    }
    const whole = once(await frame(archive));
    await expect(home.open().unpack({ ...good, data: whole }, noAbort)).resolves.toBeDefined();
  });
});

async function indexOnly(entries: readonly Entry[]): Promise<Pick<IncomingLayer, 'id' | 'index'>> {
  const index = await Promise.resolve(encodeIndex(entries));
  return { id: digestOf(index) as LayerId, index };
}

async function packedFile(home: LayerHome, id: LayerId): Promise<string> {
  const { data } = await home.open().pack(id, noAbort);
  const chunks: Uint8Array[] = [];
  for await (const chunk of data) chunks.push(chunk);
  const path = join(home.dir, 'layer.tar.zst');
  writeFileSync(path, Buffer.concat(chunks));
  return path;
}

requireCommands('tar', 'zstd')('the archive', () => {
  test('is read by tar, with whiteouts as in images of containers', async () => {
    await using home = await createLayerHome();
    const store = home.open();
    const long = 'x'.repeat(120);
    const target = `${'y'.repeat(110)}/z`;
    const changes = home.changes([
      { kind: 'file', path: 'big', content: new Uint8Array(9_000_000).fill(3) },
      { kind: 'file', path: long, content: 'long', mode: 0o755 },
      { kind: 'file', path: '.wh.literal', content: 'no mark' },
      { kind: 'symlink', path: 'link', target: long },
      { kind: 'symlink', path: 'long-link', target },
    ]);
    const staged = await store.stage(
      {
        changes,
        entries: [...stageAll(changes), madeEntry('anew', { removed: 'below' }), removalEntry('gone', 'counted')],
        sealedAtMs: 1,
      },
      noAbort,
    );
    await store.publish(staged, noAbort);
    const archive = await packedFile(home, staged.id);
    const out = join(home.dir, 'out');
    mkdirSync(out);
    execFileSync('tar', ['--zstd', '-xf', archive, '-C', out]);
    expect(readFileSync(join(out, 'big')).equals(Buffer.alloc(9_000_000, 3))).toBe(true);
    expect(readFileSync(join(out, long), 'utf8')).toBe('long');
    expect(lstatSync(join(out, long)).mode & 0o777).toBe(0o755);
    expect(readlinkSync(join(out, 'link'))).toBe(long);
    expect(readlinkSync(join(out, 'long-link'))).toBe(target);
    expect(readFileSync(join(out, '.wh..wh..name.literal'), 'utf8')).toBe('no mark');
    for (const mark of ['.wh.gone', 'anew/.wh..wh..opq']) expect(readFileSync(join(out, mark))).toHaveLength(0);
    const listed = execFileSync('tar', ['--zstd', '--full-time', '-tvf', archive], {
      encoding: 'utf8',
      env: { TZ: 'UTC', PATH: process.env['PATH'] },
    });
    expect(listed).toContain('22:13:20.123456789');
  });
});

function decoded(path: string): Buffer {
  return execFileSync('zstd', ['-dc', path], { maxBuffer: 2 ** 26 });
}

// What this version made is read for ever. The files are never made again.
requireCommands('zstd')('a layer of version 1', () => {
  const golden = join(import.meta.dirname, 'golden');
  const id = readFileSync(join(golden, 'v1.id'), 'utf8').trim() as LayerId;

  test('is taken in, and packed again to the same archive', async () => {
    await using home = await createLayerHome();
    const store = home.open();
    const index = readFileSync(join(golden, 'v1.index'));
    const data = once(readFileSync(join(golden, 'v1.tar.zst')));
    const staged = await store.unpack({ id, index, data, sealedAtMs: 1 }, noAbort);
    await store.publish(staged, noAbort);
    expect(await store.verify(id, noAbort)).toMatchObject({ ok: true });
    // What zstd makes of it may differ from version to version.
    expect(decoded(await packedFile(home, id)).equals(decoded(join(golden, 'v1.tar.zst')))).toBe(true);
  });
});

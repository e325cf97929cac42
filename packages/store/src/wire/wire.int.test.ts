import { execFileSync } from 'node:child_process';
import {
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { digestOf, encodeIndex, limits, type Entry, type IncomingLayer, type LayerId } from '@cachelane/core';
import { contentEntry, madeEntry, removalEntry, requireCommands, stageAll } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { openLayerFiles } from '../home/layer-files.ts';
import { createLayerHome, fixedClock, type LayerHome } from '../home/layer-home.fixture.ts';
import { archived, frame, once, renumbered, sent, sentArchive, type Sent } from './sent-layer.fixture.ts';
import { archiveEndBytes, tarHeader } from '../tar/tar-entries.ts';

const noAbort = new AbortController().signal;
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

/** Both forms must refuse exactly the same layers. */
const forms = [
  ['a tree', false],
  ['an image', true],
] as const;

describe.each(forms)('an incoming layer, as %s,', (_, images) => {
  test('is accepted if it is valid', async () => {
    await using home = await createLayerHome({ images });
    const items = [directory('d'), file('d/f'), link('d/near', 'f'), link('d/up', '../d/f'), link('top', 'd/./f')];
    expect(await reasonFor(home, items)).toBe('taken in');
  });

  test.each([
    ['an absolute symlink', [link('l', '/etc')], 'l is a symlink that leads out of the volume'],
    [
      'a symlink that climbs out',
      [directory('d'), link('d/l', '../../x')],
      'd/l is a symlink that leads out of the volume',
    ],
    ['a symlink that climbs out by a detour', [link('l', 'a/../../x')], 'l is a symlink that leads out of the volume'],
    [
      'a symlink that climbs out through another one',
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
    ['a symlink to nothing', [link('l', '')], 'l is a symlink with an invalid target'],
    ['a symlink that is too long', [link('l', 'x'.repeat(5000))], 'l is a symlink with an invalid target'],
    ['a time out of range', [at('f', 2n ** 62n * 1000n)], 'f has a time that no file system can store'],
  ] satisfies readonly (readonly [string, readonly Sent[], string])[])(
    'is refused for %s',
    async (_, items, reason) => {
      await using home = await createLayerHome({ images });
      expect(await reasonFor(home, items)).toContain(reason);
    },
  );

  test('is refused if content or mode differ from its index', async () => {
    await using home = await createLayerHome({ images });
    const { entry } = file('f', 'good');
    expect(await reasonFor(home, [{ entry, content: Buffer.from('evil') }])).toContain('differ at f');
    const one = await sent([file('f')]);
    const other = await sent([{ ...file('f'), entry: { ...file('f').entry, mode: 0o777 } }]);
    const mixed = { ...one, data: other.data };
    await expect(home.open().unpack(mixed, noAbort)).rejects.toThrow(/index and content differ at f/);
  });

  test('is refused if its index is not canonical', async () => {
    await using home = await createLayerHome({ images });
    const { index, archive } = archived([directory('d'), file('d/f')]);
    await expect(home.open().unpack(await sentArchive(renumbered(index), archive), noAbort)).rejects.toThrow(
      /its index is not in canonical form/,
    );
    expect(home.leftovers()).toEqual([]);
  });

  test('is refused if it expands too much, or needs more space than the disk has', async () => {
    await using home = await createLayerHome({ images });
    const big = contentEntry('f', 'x', { sizeBytes: 2 ** 50 }).entry;
    const error: unknown = await home
      .open()
      .unpack({ ...(await sent([])), ...(await indexOnly([big])) }, noAbort)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'E_DISK_FULL' });
    const zeros = Buffer.alloc(4_194_304);
    const count = Math.ceil(limits.incomingUnchecked / zeros.length) + 10;
    const bomb = contentEntry('f', 'x', { sizeBytes: zeros.length * count }).entry;
    const header = tarHeader({ entry: bomb, linkedTo: null }).bytes;
    const head = await frame(Buffer.concat([header, zeros.subarray(header.length)]));
    const body = await frame(zeros);
    const source = async function* (): AsyncGenerator<Uint8Array> {
      yield* once(head);
      for (let sentFrames = 0; sentFrames < count; sentFrames++) yield body;
    };
    await expect(
      home.open().unpack({ ...(await indexOnly([bomb])), data: source(), sealedAtMs: 1 }, noAbort),
    ).rejects.toThrow(/expands to more than 1000 times/);
    expect(home.leftovers()).toEqual([]);
  });

  test('is refused before sizes that would fill the memory are used', async () => {
    await using home = await createLayerHome({ images });
    const long = contentEntry('l', 'x', { type: 'symlink', mode: 0o777, sizeBytes: 2 ** 40 }).entry;
    const parts = Array.from(
      { length: 3 },
      (_, i) => contentEntry(`d${i}`, 'x', { form: 'delta', sizeBytes: limits.mergedFileBytes }).entry,
    );
    for (const [entries, why] of [
      [[long], /an invalid target/],
      [parts, /its deltas have/],
    ] as const) {
      const nothing = { data: once(Buffer.alloc(0)), sealedAtMs: 1 };
      await expect(home.open().unpack({ ...(await indexOnly(entries)), ...nothing }, noAbort)).rejects.toThrow(why);
    }
    const tiny = await frame(Buffer.alloc(1));
    const many = once(Buffer.concat(Array.from({ length: 1000 }, () => tiny)));
    const good = await sent([file('f')]);
    await expect(home.open().unpack({ ...good, data: many }, noAbort)).rejects.toThrow(
      /smaller than the format|differ/,
    );
  });

  test('is refused if frames have false sizes', async () => {
    await using home = await createLayerHome({ images });
    const good = await sent([file('f')]);
    const archive = Buffer.concat([
      tarHeader({ ...file('f'), linkedTo: null }).bytes,
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

test('the first layer tests once whether images work, in a staging directory', async () => {
  await using home = await createLayerHome();
  const asked: string[] = [];
  const images = async (dir: string): Promise<boolean> => {
    asked.push(dir);
    writeFileSync(join(dir, 'tried'), 'x');
    rmSync(join(dir, 'tried'));
    return await Promise.resolve(true);
  };
  const store = openLayerFiles({ dir: home.dir, bootId: 'boot', clock: fixedClock(0), files: home.files, images });
  await store.stage({ changes: null, entries: [contentEntry('here', 'x')], sealedAtMs: 1 }, noAbort);
  await expect(store.unpack({ ...(await sent([])), id: 'f'.repeat(64) as LayerId }, noAbort)).rejects.toThrow();
  expect(asked).toEqual([]);
  const layers = await Promise.all(['a', 'b', 'c'].map(async (name) => await sent([file(name)])));
  const staged = await Promise.all(layers.map(async (layer) => await store.unpack(layer, noAbort)));
  for (const each of staged) await store.publish(each, noAbort);
  expect(asked).toEqual([expect.stringMatching(`^${home.dir}/staging/[^/]+$`)]);
  for (const { id } of layers) expect((await store.open(id, noAbort)).image).not.toBeNull();
});

test('if that test fails, the layer becomes a tree and the next layer tests again', async () => {
  await using home = await createLayerHome();
  let asked = 0;
  const images = async (): Promise<boolean> => {
    asked += 1;
    return asked === 1 ? await Promise.reject(new Error('ENOSPC')) : await Promise.resolve(true);
  };
  const store = openLayerFiles({ dir: home.dir, bootId: 'boot', clock: fixedClock(0), files: home.files, images });
  const found: (string | null)[] = [];
  for (const name of ['a', 'b']) {
    const staged = await store.unpack(await sent([file(name)]), noAbort);
    await store.publish(staged, noAbort);
    found.push((await store.open(staged.id, noAbort)).image);
  }
  expect(found).toEqual([null, expect.any(String)]);
});

describe.each(forms)('an unpacked layer, as %s,', (_, images) => {
  const modes = { open: 0o777, shared: 0o664, readable: 0o444, closed: 0, plain: 0o644 };
  const items = (): readonly Sent[] => [
    { entry: madeEntry('d', { mode: 0o775 }).entry },
    link('d/link', 'f'),
    ...Object.entries(modes).map(([name, mode]) => {
      const sent = file(`d/${name}`);
      return { ...sent, entry: { ...sent.entry, mode } };
    }),
  ];

  test('has its modes and times whatever the umask', async () => {
    await using home = await createLayerHome({ images });
    const store = home.open();
    const before = process.umask(0o077);
    try {
      const staged = await store.unpack(await sent(items()), noAbort);
      await store.publish(staged, noAbort);
      const tree = `${home.dir}/layers/${staged.id}/tree`;
      // For images, image-mount.int.test.ts checks this.
      for (const [name, mode] of images ? [] : [['', 0o775] as const, ...Object.entries(modes)])
        expect([name, lstatSync(`${tree}/d/${name}`).mode & 0o7777]).toEqual([name, mode]);
      expect(lstatSync(tree).mode & 0o7777).toBe(0o755);
      expect(await store.verify(staged.id, noAbort)).toMatchObject({ ok: true });
    } finally {
      process.umask(before);
    }
  });

  test.runIf(process.getuid?.() === 0)('is owned by the owner of the home', async () => {
    await using home = await createLayerHome({ images });
    chownSync(home.dir, 65_534, 65_533);
    const store = home.open();
    const staged = await store.unpack(await sent(items()), noAbort);
    await store.publish(staged, noAbort);
    const root = `${home.dir}/layers/${staged.id}`;
    for (const name of ['', ...readdirSync(root, { recursive: true })]) {
      const { uid, gid } = lstatSync(`${root}/${String(name)}`);
      expect([name, uid, gid]).toEqual([name, 65_534, 65_533]);
    }
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
  test('is readable by tar, with whiteouts as in container images', async () => {
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

test.each(forms)('a file that repeats another one travels as a hard link, as %s', async (_, images) => {
  await using home = await createLayerHome({ images });
  const store = home.open();
  const far = `d/${'n'.repeat(150)}`;
  const text = 'x'.repeat(300_000);
  const executable = { ...file('e', text), entry: { ...file('e', text).entry, mode: 0o755 } };
  const items = [file('a', text), directory('d'), file(far, text), executable, file('z', text)];
  const layer = await sent(items);
  const staged = await store.unpack(layer, noAbort);
  await store.publish(staged, noAbort);
  expect(await store.verify(layer.id, noAbort)).toMatchObject({ ok: true });
  const archive = readFileSync(await packedFile(home, layer.id));
  expect(archive.length).toBeLessThan(3000);
  await using other = await createLayerHome();
  const copies = other.open();
  await copies.publish(await copies.unpack({ ...layer, data: once(archive) }, noAbort), noAbort);
  await store.extract(layer.id, noAbort);
  for (const { dir } of [home, other]) {
    const tree = join(dir, 'layers', layer.id, 'tree');
    for (const { entry } of items.filter(({ content }) => content !== undefined)) {
      expect(readFileSync(join(tree, entry.path), 'utf8')).toBe(text);
      expect(lstatSync(join(tree, entry.path)).mode & 0o777).toBe(entry.mode);
    }
  }
});

function decoded(path: string): Buffer {
  return execFileSync('zstd', ['-dc', path], { maxBuffer: 2 ** 26 });
}

// A layer that version 1 made must stay readable. Never regenerate these files.
requireCommands('zstd')('a layer of version 1', () => {
  const golden = join(import.meta.dirname, 'golden');
  const id = readFileSync(join(golden, 'v1.id'), 'utf8').trim() as LayerId;

  test.each(forms)('unpacks as %s and packs again to the same archive', async (_, images) => {
    await using home = await createLayerHome({ images });
    const store = home.open();
    const index = readFileSync(join(golden, 'v1.index'));
    const data = once(readFileSync(join(golden, 'v1.tar.zst')));
    const staged = await store.unpack({ id, index, data, sealedAtMs: 1 }, noAbort);
    await store.publish(staged, noAbort);
    expect(await store.verify(id, noAbort)).toMatchObject({ ok: true });
    expect((await store.open(id, noAbort)).image !== null).toBe(images);
    // The compressed bytes may differ between zstd versions.
    expect(decoded(await packedFile(home, id)).equals(decoded(join(golden, 'v1.tar.zst')))).toBe(true);
  });
});

test('unpacking a layer starts no cleanup process', async () => {
  await using home = await createLayerHome();
  const store = home.open();
  await store.publish(await store.unpack(await sent([directory('d'), file('d/x')]), noAbort), noAbort);
  expect(home.jobs.map(({ kind }) => kind)).toEqual(['settle']);
  expect(home.leftovers()).toEqual([]);
});

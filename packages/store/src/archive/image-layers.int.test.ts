import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { tarArchive, type TarMember } from '@cachelane/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { unpackImageLayers } from './image-layers.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cachelane-image-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const noAbort = new AbortController().signal;
let made = 0;

type Most = Omit<Parameters<typeof unpackImageLayers>[1], 'dir'>;

async function unpack(
  layers: readonly (readonly TarMember[] | Buffer)[],
  maxBytes = 1_000_000,
  more: Partial<Most> = {},
) {
  const files = layers.map((layer, index) => {
    const file = join(dir, `layer-${index}`);
    writeFileSync(file, Buffer.isBuffer(layer) ? layer : tarArchive(layer));
    return file;
  });
  const out = join(dir, `out-${(made += 1)}`);
  mkdirSync(out);
  const { linksLeftOut } = await unpackImageLayers(files, { dir: out, maxBytes, ...more }, noAbort);
  return {
    linksLeftOut,
    text: (path: string) => (existsSync(join(out, path)) ? readFileSync(join(out, path), 'utf8') : null),
    link: (path: string) => readlinkSync(join(out, path)),
    kind: (path: string) => {
      const stat = lstatSync(join(out, path), { throwIfNoEntry: false });
      if (stat === undefined) return null;
      return stat.isDirectory() ? 'dir' : stat.isSymbolicLink() ? 'link' : 'file';
    },
  };
}

const file = (name: string, content = name): TarMember => ({ name, content });
const folder = (name: string): TarMember => ({ name: `${name}/`, type: '5', mode: 0o755 });
const symlink = (name: string, linkName: string): TarMember => ({ name, type: '2', linkName });
const hardLink = (name: string, linkName: string): TarMember => ({ name, type: '1', linkName });

describe('layers over each other', () => {
  test('the upper layer wins, and paths it does not name stay', async () => {
    const seen = await unpack([
      [folder('a'), file('a/x', 'low'), file('a/y', 'low'), folder('b'), file('b/z')],
      [file('a/x', 'high'), file('./c')],
    ]);
    expect(['a/x', 'a/y', 'b/z', 'c'].map(seen.text)).toEqual(['high', 'low', 'b/z', './c']);
  });

  test('plain, gzip and zstd layers work', async () => {
    const seen = await unpack([
      gzipSync(tarArchive([file('one')])),
      zstdCompressSync(tarArchive([file('two')])),
      [file('three')],
    ]);
    expect(['one', 'two', 'three'].map(seen.text)).toEqual(['one', 'two', 'three']);
  });

  test('a whiteout removes a file or a directory of lower layers only', async () => {
    const seen = await unpack([
      [file('a/x'), file('a/y'), file('d/e/f'), symlink('l', 'a')],
      [file('a/.wh.x', ''), file('.wh.d', ''), file('.wh.l', ''), file('a/z')],
      [file('d/new')],
    ]);
    expect(['a/x', 'a/y', 'a/z', 'd/e/f', 'd/new'].map(seen.text)).toEqual([null, 'a/y', 'a/z', null, 'd/new']);
    expect(seen.kind('l')).toBeNull();
    expect(seen.kind('.wh.d')).toBeNull();
  });

  test('a whiteout at the end of a layer still removes only files of lower layers', async () => {
    const seen = await unpack([[file('a/x', 'low')], [file('a/x', 'high'), file('a/.wh.x', '')]]);
    expect(seen.text('a/x')).toBe('high');
  });

  test('an opaque directory hides lower contents, wherever its mark comes', async () => {
    const seen = await unpack([
      [file('a/x'), file('a/b/y'), symlink('a/l', 'x')],
      [folder('a'), file('a/z'), file('a/.wh..wh..opq', '')],
    ]);
    expect(['a/x', 'a/b/y', 'a/z'].map(seen.text)).toEqual([null, null, 'a/z']);
    expect(seen.kind('a/l')).toBeNull();
  });

  test('a directory and a file can replace each other', async () => {
    const seen = await unpack([
      [file('a/x'), file('b'), symlink('c', 'b'), symlink('d', 'b')],
      [file('a', 'now a file'), folder('b'), file('b/y'), folder('c'), file('c/z'), file('d', 'now a file')],
    ]);
    expect(['a', 'b/y', 'c/z', 'd'].map(seen.text)).toEqual(['now a file', 'b/y', 'c/z', 'now a file']);
  });

  test('a hard link refers to the file that is there when it comes', async () => {
    const seen = await unpack([[file('a', 'low')], [hardLink('b', 'a')], [file('a', 'high')]]);
    expect(['a', 'b'].map(seen.text)).toEqual(['high', 'low']);
  });

  test('a layer without members changes nothing', async () => {
    const seen = await unpack([[file('a')], gzipSync(tarArchive([])), []]);
    expect(seen.text('a')).toBe('a');
  });

  test('a removed directory that returns has only its new contents', async () => {
    const seen = await unpack([
      [folder('a'), symlink('a/l', 'x'), file('a/b/c'), symlink('a/b/m', 'c')],
      [file('.wh.a', ''), file('a/l/z')],
      [file('a/l/.wh.z', ''), symlink('a/b', 'l')],
    ]);
    expect([seen.kind('a/l'), seen.link('a/b'), seen.text('a/l/z')]).toEqual(['dir', 'l', null]);
  });

  test('symlinks that stay inside are kept, and others are skipped', async () => {
    const seen = await unpack([
      [file('a/x'), symlink('in', 'a/x'), symlink('out', '/etc/passwd'), symlink('up', '../x')],
    ]);
    expect(seen.link('in')).toBe('a/x');
    expect(seen.linksLeftOut).toBe(2);
    expect([seen.kind('out'), seen.kind('up')]).toEqual([null, null]);
  });
});

describe('what is refused', () => {
  test.each<[string, readonly (readonly TarMember[])[], string]>([
    ['a name that leads up', [[file('../x')]], 'leads out'],
    ['a name that leads up in the middle', [[file('a/../../x')]], 'leads out'],
    ['an absolute name', [[file('/etc/x')]], 'absolute'],
    ['a device', [[{ name: 'null', type: '3' }]], 'a device'],
    ['a fifo', [[{ name: 'pipe', type: '6' }]], 'a fifo'],
    ['a hard link out', [[hardLink('x', '../../etc/passwd')]], 'leads out'],
    ['an absolute hard link', [[hardLink('x', '/etc/passwd')]], 'absolute'],
    ['a hard link to nothing', [[hardLink('x', 'y')]], 'no earlier member has'],
    ['a way through a symlink', [[symlink('a', '/etc')], [file('a/x')]], 'a directory and something else'],
    ['a whiteout that leads up', [[file('a/.wh...', '')]], 'an invalid whiteout'],
    ['a whiteout beside the image', [[file('../.wh.x', '')]], 'leads out'],
    ['a whiteout through a symlink', [[symlink('a', '/etc')], [file('a/.wh.x', '')]], 'a directory and something else'],
  ])('%s', async (_, layers, why) => {
    await expect(unpack(layers)).rejects.toMatchObject({
      code: 'E_LAYER_REFUSED',
      message: expect.stringContaining(why),
    });
  });

  test('more bytes than the limit, even if an upper layer hides them', async () => {
    const big = file('a', 'x'.repeat(600));
    expect((await unpack([[big]], 600)).text('a')).toHaveLength(600);
    await expect(unpack([[big], [big]], 1000, { why: 'a reason' })).rejects.toMatchObject({
      code: 'E_LIMIT',
      message: expect.stringMatching(/^its layers have more than 1 ?k.*: a reason$/) as string,
    });
  });

  test('more name bytes than the limit, and more implied directories', async () => {
    const long = { ...file('x'), pax: { path: `${'d/'.repeat(60)}x` } };
    const away = [file('.wh.a', ''), file('.wh.b', '')];
    await unpack([[file('a'), long], away], 1000, { maxNameBytes: 132, maxDirs: 60 });
    const refusal = { code: 'E_LIMIT', message: expect.stringContaining('names') as string };
    await expect(unpack([[long], away], 1000, { maxNameBytes: 130 })).rejects.toMatchObject(refusal);
    await expect(unpack([[long]], 1000, { maxDirs: 59 })).rejects.toMatchObject({
      code: 'E_LIMIT',
      message: expect.stringContaining('directories') as string,
    });
  });

  test('a file that is not an archive', async () => {
    await expect(unpack([Buffer.from('no archive')])).rejects.toMatchObject({ code: 'E_USAGE' });
    await expect(unpack([gzipSync(tarArchive([file('a')])).subarray(0, 40)])).rejects.toMatchObject({
      code: 'E_USAGE',
    });
  });
});

import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LayerId } from '@cachelane/core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openSeedFiles } from './seed-files.ts';

let home = '';
beforeEach(() => {
  home = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'cachelane-seed-notes-')));
});
afterEach(() => {
  fs.rmSync(home, { recursive: true, force: true });
});

const noAbort = new AbortController().signal;
const note = { stamp: 'one', layer: 'a'.repeat(64) as LayerId, leftOut: 0 };
const seeds = () => openSeedFiles({ dir: home });
const only = (dir: string) => join(dir, fs.readdirSync(dir)[0] ?? 'nothing');

describe('a note', () => {
  test.each([
    '',
    'null',
    '[]',
    '{"stamp":"one"}',
    '{"stamp":"one","layer":"../..","leftOut":0}',
    '{"stamp":1,"layer":null,"leftOut":0}',
  ])('that contains %j is ignored and replaced', async (text) => {
    await seeds().note('key', note, noAbort);
    fs.writeFileSync(only(join(home, 'seeds')), text);
    expect(await seeds().noted('key', noAbort)).toBeNull();
    await seeds().note('key', note, noAbort);
    expect(await seeds().noted('key', noAbort)).toEqual(note);
  });

  test('that cannot be written is skipped', async () => {
    fs.writeFileSync(join(home, 'seeds'), 'a file');
    await seeds().note('key', note, noAbort);
    expect(await seeds().noted('key', noAbort)).toBeNull();
  });

  test('is deleted when there are a thousand newer ones, with files of killed processes', async () => {
    const dir = join(home, 'seeds');
    await seeds().note('oldest', note, noAbort);
    fs.utimesSync(only(dir), 1, 1);
    fs.mkdirSync(join(dir, 'new-left'));
    fs.utimesSync(join(dir, 'new-left'), 2, 2);
    for (let count = 0; count < 999; count++) fs.writeFileSync(join(dir, `other-${count}`), '');
    await seeds().note('newest', note, noAbort);
    expect(fs.readdirSync(dir)).toHaveLength(1000);
    expect(fs.existsSync(join(dir, 'new-left'))).toBe(false);
    expect(await seeds().noted('oldest', noAbort)).toBeNull();
    expect(await seeds().noted('newest', noAbort)).toEqual(note);
  });
});

function image(name: string): string {
  const tree = join(home, 'images', name, 'tree');
  fs.mkdirSync(tree, { recursive: true });
  fs.writeFileSync(join(tree, 'a'), 'abc');
  return tree;
}

describe('the stamp of an image', () => {
  test('is computed once, and tells that nothing changed recently', async () => {
    const tree = image('sha256-a.boot');
    const first = await seeds().look(tree, noAbort);
    expect(first).toMatchObject({ path: tree, sizeBytes: 3, changedAtMs: 0 });
    // Editing an image is not allowed. Here it shows that the files are not read again.
    fs.writeFileSync(join(tree, 'b'), 'b');
    expect(await seeds().look(tree, noAbort)).toEqual(first);
    expect(fs.readdirSync(join(home, 'images/sha256-a.boot')).toSorted()).toEqual(['look', 'tree']);
    expect((await seeds().look(image('sha256-b.boot'), noAbort)).stamp).not.toBe(first.stamp);
  });

  test('is computed from the files for a part of an image', async () => {
    const tree = image('sha256-a.boot');
    fs.mkdirSync(join(tree, 'tree'));
    const { stamp } = await seeds().look(join(tree, 'tree'), noAbort);
    fs.writeFileSync(join(tree, 'tree/b'), 'b');
    expect((await seeds().look(join(tree, 'tree'), noAbort)).stamp).not.toBe(stamp);
    expect(fs.readdirSync(tree).toSorted()).toEqual(['a', 'tree']);
  });

  test.each(['', '{}', '{"stamp":"s","sizeBytes":-1}', '{"stamp":"s","sizeBytes":"3"}'])(
    'that was stored as %j is computed again',
    async (text) => {
      const tree = image('sha256-a.boot');
      const first = await seeds().look(tree, noAbort);
      fs.writeFileSync(join(tree, '../look'), text);
      expect(await seeds().look(tree, noAbort)).toEqual(first);
    },
  );
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { digestOf } from '@cachelane/core';
import { encodeAbout, readAbout, type LayerAbout } from './layer-about.ts';

const tree: LayerAbout = {
  index: digestOf('index'),
  sealedAtMs: 1,
  entries: 2,
  sizeBytes: 3,
  bootId: 'boot',
  imageOwner: null,
};

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cachelane-about-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

function written(about: LayerAbout, changes: Readonly<Record<string, unknown>> = {}): LayerAbout {
  const document = { ...(JSON.parse(Buffer.from(encodeAbout(about)).toString()) as object), ...changes };
  writeFileSync(join(dir, 'layer.json'), JSON.stringify(document));
  return readAbout(dir);
}

test.each([tree, { ...tree, imageOwner: { uid: 1000, gid: 100 } }])('reads what it wrote: %o', (about) => {
  expect(written(about)).toEqual(about);
});

test('trees and images have version 1', () => {
  expect(written(tree, { version: 1, form: 'tree' })).toEqual(tree);
  const imageOwner = { uid: 0, gid: 0 };
  expect(written(tree, { version: 1, form: 'image', ...imageOwner })).toEqual({ ...tree, imageOwner });
});

test('a later version is E_STORE_NEWER', () => {
  expect(() => written(tree, { version: 2 })).toThrow(expect.objectContaining({ code: 'E_STORE_NEWER' }));
});

test.each([
  ['another form', { form: 'archive' }],
  ['no form', { form: undefined }],
  ['no version', { version: undefined }],
  ['an image without an owner', { form: 'image' }],
  ['a size that is no number', { sizeBytes: '3' }],
])('%s is E_LAYER_CORRUPT', (_, changes) => {
  expect(() => written(tree, changes)).toThrow(expect.objectContaining({ code: 'E_LAYER_CORRUPT' }));
});

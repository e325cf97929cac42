import * as fs from 'node:fs';
import { limits } from '@cachelane/core';
import { contentEntry, madeEntry } from '@cachelane/testkit';
import { expect, test } from 'vitest';
import { createLayerHome } from '../home/layer-home.fixture.ts';
import { sent } from '../wire/sent-layer.fixture.ts';
import { bringUp } from './bring-up.ts';
import { byThreads } from './file-makers.ts';
import { emptyTable } from '../slots/kept-table.ts';

const noAbort = new AbortController().signal;

test('a directory is filled from an image like from a tree, also after extraction, but not if the image is damaged', async () => {
  await using home = await createLayerHome({ images: true });
  const store = home.open();
  const content = Buffer.alloc(1_500_000, 'image');
  const link = contentEntry('d/link', 'f', { type: 'symlink', mode: 0o777 }).entry;
  const staged = await store.unpack(
    await sent([
      { entry: madeEntry('d').entry },
      { entry: contentEntry('d/f', content, { mode: 0o555 }).entry, content },
      { entry: link, content: Buffer.from('f') },
    ]),
    noAbort,
  );
  await store.publish(staged, noAbort);
  const layer = await store.open(staged.id, noAbort);
  const place = (name: string): Parameters<typeof bringUp>[0] => {
    const tree = `${home.dir}/${name}`;
    fs.mkdirSync(`${tree}-scratch`);
    fs.mkdirSync(tree);
    const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    const nothing = new Set<never>();
    return {
      files: home.files,
      tree,
      scratch: `${tree}-scratch`,
      dirty: nothing,
      touched: nothing,
      owner,
      mayStay: null,
      farFutureAsNs: null,
      fill: byThreads,
    };
  };
  expect(layer.image).not.toBeNull();
  await bringUp(place('whole'), emptyTable, [layer], null, noAbort);
  expect(fs.readFileSync(`${home.dir}/whole/d/link`).equals(content)).toBe(true);
  expect(fs.statSync(`${home.dir}/whole/d/f`).mode & 0o777).toBe(0o555);
  fs.cpSync(`${home.dir}/layers`, `${home.dir}/kept`, { recursive: true });
  await store.extract(staged.id, noAbort);
  await store.sweepImages(Date.now() + limits.sweepGraceMs + 60_000, noAbort);
  expect(fs.existsSync(layer.image ?? '')).toBe(false);
  await bringUp(place('later'), emptyTable, [layer], null, noAbort);
  expect(fs.readFileSync(`${home.dir}/later/d/link`).equals(content)).toBe(true);
  fs.rmSync(`${home.dir}/layers`, { recursive: true });
  fs.renameSync(`${home.dir}/kept`, `${home.dir}/layers`);
  home.damage(staged.id, { kind: 'truncate', path: 'd/f' });
  await expect(bringUp(place('cut'), emptyTable, [layer], null, noAbort)).rejects.toMatchObject({
    code: 'E_LAYER_CORRUPT',
  });
});

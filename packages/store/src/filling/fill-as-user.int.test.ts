import * as fs from 'node:fs';
import { contentEntry, madeEntry } from '@cachelane/testkit';
import { expect, test } from 'vitest';
import { createLayerHome } from '../home/layer-home.fixture.ts';
import { becomeOrdinaryUser } from '../files/ordinary-user.fixture.ts';
import type { Sent } from '../wire/sent-layer.fixture.ts';
import { bringUp } from './bring-up.ts';
import { alone, lastingThreads, layerOfItems, placeIn, seeFilled } from './fill.fixture.ts';
import { fillProperty } from './fill-property.fixture.ts';
import { emptyTable } from '../slots/kept-table.ts';

becomeOrdinaryUser();

const noAbort = new AbortController().signal;

// Permissions restrict even the owner, except root.
const threads = await lastingThreads();
fillProperty('a directory of an ordinary user', threads, { runs: 12 });

function fileOf(path: string, mode: number, text = 'f'): Sent {
  const content = Buffer.from(text);
  return { entry: contentEntry(path, content, { mode }).entry, content };
}

test.each([
  ['one thread', alone],
  ['threads', threads],
] as const)('a file that replaces an unreadable file has its own mode: by %s', async (_, fill) => {
  await using home = await createLayerHome();
  const dir = { entry: madeEntry('d', { mode: 0o500 }).entry };
  const shut = await layerOfItems(home, [dir, fileOf('d/f', 0, 'old')]);
  const open = await layerOfItems(home, [dir, fileOf('d/f', 0o644, 'new')]);
  const place = placeIn(home, 'filled', fill);
  const before = await bringUp(place, emptyTable, [shut], null, noAbort);
  const table = await bringUp(place, before, [open], null, noAbort);
  expect(fs.statSync(`${place.tree}/d/f`).mode & 0o777).toBe(0o644);
  expect(seeFilled(place.tree, table).filter(({ isNoted }) => !isNoted)).toEqual([]);
});

test('a file that replaces an inaccessible directory has its own mode', async () => {
  await using home = await createLayerHome();
  const shut = await layerOfItems(home, [{ entry: madeEntry('d', { mode: 0o400 }).entry }, fileOf('d/f', 0o644)]);
  const plain = await layerOfItems(home, [fileOf('d', 0o755)]);
  const place = placeIn(home, 'filled', alone);
  const table = await bringUp(place, emptyTable, [shut], null, noAbort);
  await bringUp(place, table, [plain], null, noAbort);
  expect(fs.statSync(`${place.tree}/d`).mode & 0o777).toBe(0o755);
});

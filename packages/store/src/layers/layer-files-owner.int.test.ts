import * as fs from 'node:fs';
import { contentEntry, stageAll } from '@cachelane/testkit';
import { expect, test } from 'vitest';
import { createLayerHome } from './layer-home.fixture.ts';

const noAbort = new AbortController().signal;
const sealedAtMs = 1_700_000_000_000;

test.runIf(process.getuid?.() === 0)('what root saves belongs to the owner of the home', async () => {
  await using home = await createLayerHome();
  fs.chownSync(home.dir, 65_534, 65_533);
  const changes = home.changes([
    { kind: 'dir', path: 'd' },
    { kind: 'file', path: 'd/f', content: 'x' },
    { kind: 'symlink', path: 'd/l', target: '/etc/passwd' },
    { kind: 'removed', path: 'd/gone' },
  ]);
  fs.chownSync(`${changes.dir}/d/f`, 1, 1);
  const store = home.open();
  const entries = [...stageAll(changes), contentEntry('delta', 'x', { form: 'delta' }), contentEntry('made', 'x')];
  const staged = await store.stage({ changes, entries, sealedAtMs }, noAbort);
  await store.publish(staged, noAbort);
  const root = `${home.dir}/layers/${staged.id}`;
  const all = fs.readdirSync(root, { recursive: true }).map((name) => `${root}/${String(name)}`);
  expect(all.length).toBeGreaterThan(9);
  for (const path of [root, `${home.dir}/layers`, ...all]) {
    const { uid, gid } = fs.lstatSync(path);
    expect([path, uid, gid]).toEqual([path, 65_534, 65_533]);
  }
});

import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { contentEntry, removalEntry, requireCommands, stageAll } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { createLayerHome } from './layer-home.fixture.ts';

const noAbort = new AbortController().signal;
const sealedAtMs = 1_700_000_000_000;

test.runIf(process.getuid?.() === 0)('layers that root saves belong to the owner of the home', async () => {
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

function output(program: string, ...args: readonly string[]): string {
  return execFileSync(program, args).toString();
}

describe.runIf(process.getuid?.() === 0)('a layer that root saves', () => {
  requireCommands('setcap', 'getcap')('with capabilities', () => {
    test('has no capabilities in the layer, even for hard links', async () => {
      await using home = await createLayerHome();
      const changes = home.changes([
        { kind: 'file', path: 'linked', content: 'x', mode: 0o755 },
        { kind: 'file', path: 'tool', content: 'x', mode: 0o755 },
      ]);
      fs.rmSync(`${changes.dir}/linked`);
      fs.linkSync(`${changes.dir}/tool`, `${changes.dir}/linked`);
      output('setcap', 'cap_setuid+ep', `${changes.dir}/tool`);
      expect(output('getcap', '-r', changes.dir ?? '')).toMatch(/cap_setuid/);
      const store = home.open();
      const staged = await store.stage({ changes, entries: stageAll(changes), sealedAtMs }, noAbort);
      await store.publish(staged, noAbort);
      const tree = `${home.dir}/layers/${staged.id}/tree`;
      expect(fs.readdirSync(tree)).toEqual(['linked', 'tool']);
      expect(output('getcap', '-r', tree)).toBe('');
      expect(fs.statSync(`${tree}/tool`).mode & 0o7777).toBe(0o755);
    });
  });
});

test('a directory without an entry keeps its mode when something in it is removed', async () => {
  await using home = await createLayerHome();
  const entries = [removalEntry('d/gone', 'counted'), contentEntry('d/keep', 'x')];
  const store = home.open();
  const staged = await store.stage({ changes: null, entries, sealedAtMs }, noAbort);
  await store.publish(staged, noAbort);
  expect(fs.statSync(`${home.dir}/layers/${staged.id}/tree/d`).mode & 0o7777).toBe(0o755);
});

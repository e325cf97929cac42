import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { LayerId, VolumeReport } from '@cachelane/core';
import { collectLater, collectLog, collectSharedLater } from './collect-later.ts';
import type { CollectProcess } from '../host/pieces.ts';
import type { ChosenRemote } from './open-chosen-remote.ts';
import { withoutCache } from '../run/bare.ts';
import { stage } from '../fixtures/staged-host.fixture.ts';

const hourMs = 3_600_000;
const saved: VolumeReport = { ...withoutCache('npm', '/x', ''), layer: 'a'.repeat(64) as LayerId };
const unsaved = withoutCache('npm', '/x', 'nothing new');

interface Home extends Disposable {
  readonly dir: string;
  readonly started: CollectProcess[];
  readonly warnings: string[];
  /** Like a run that ends so much later. */
  after(ms: number, reports?: readonly VolumeReport[]): Promise<void>;
}

function home(start: (collect: CollectProcess) => Promise<void> = () => Promise.resolve()): Home {
  const started: CollectProcess[] = [];
  const on = stage({
    pieces: {
      startCollect: async (collect) => {
        started.push(collect);
        await start(collect);
      },
    },
  });
  mkdirSync(on.home);
  const warnings: string[] = [];
  const beginMs = on.host.clock.nowMs();
  return {
    dir: on.home,
    started,
    warnings,
    async after(ms, reports = [saved]) {
      const host = { ...on.host, clock: { ...on.host.clock, nowMs: () => beginMs + ms } };
      await collectLater(host, { homeDir: on.home, trust: 'T1', reports }, (message) => void warnings.push(message));
    },
    [Symbol.dispose]: () => on[Symbol.dispose](),
  };
}

test('once an hour, counted from the first save, and only after a save', async () => {
  using on = home();
  await on.after(0);
  await on.after(hourMs - 1);
  expect(on.started).toEqual([]);
  await on.after(hourMs, [unsaved]);
  expect(on.started).toEqual([]);
  await on.after(hourMs, [unsaved, saved]);
  expect(on.started).toMatchObject([{ homeDir: on.dir, trust: 'T1' }]);
  await on.after(2 * hourMs - 1);
  expect(on.started).toHaveLength(1);
  await on.after(2 * hourMs);
  expect(on.started).toHaveLength(2);
});

test('of runs that end together only one collects', async () => {
  using on = home();
  await on.after(0);
  await Promise.all([on.after(hourMs), on.after(hourMs), on.after(hourMs)]);
  expect(on.started).toHaveLength(1);
  expect(readdirSync(on.dir)).toEqual(['collected', 'reserve']);
});

test('a wrong clock or an invalid note does not stop it for ever', async () => {
  using on = home();
  await on.after(9 * hourMs);
  await on.after(0);
  expect(on.started).toHaveLength(1);
  writeFileSync(join(on.dir, 'collected'), 'x');
  await on.after(1);
  expect(on.started).toHaveLength(2);
});

test('the last one’s output is reported once, and a failed start is only a warning', async () => {
  using on = home(() => Promise.reject(new Error('EAGAIN')));
  await on.after(0);
  writeFileSync(collectLog(on.dir), 'cachelane: your file is broken\n');
  await on.after(hourMs);
  expect(on.warnings).toEqual([
    'the last background collection failed and will be retried: your file is broken',
    'no background collection was started: EAGAIN',
  ]);
  expect(readFileSync(collectLog(on.dir), 'utf8')).toBe('');
});

const sent = { ...saved, sync: { pushed: 'later' } } as VolumeReport;

test('in the remote once a day if runs push in the background', async () => {
  const started: CollectProcess[] = [];
  using on = stage({ pieces: { startCollect: (collect) => Promise.resolve(void started.push(collect)) } });
  mkdirSync(on.home);
  const beginMs = on.host.clock.nowMs();
  const after = async (ms: number, pushMode: ChosenRemote['pushMode'], reports = [sent]): Promise<void> => {
    const host = { ...on.host, clock: { ...on.host.clock, nowMs: () => beginMs + ms } };
    const shared = { pushMode, choice: { address: 'dir:/mnt/cache' } } as ChosenRemote;
    await collectSharedLater(host, { homeDir: on.home, reports, shared }, () => undefined);
  };
  await after(0, 'background');
  await after(24 * hourMs - 1, 'background');
  await after(24 * hourMs, 'wait');
  await after(24 * hourMs, 'background', [saved]);
  expect(started).toEqual([]);
  await after(24 * hourMs, 'background');
  expect(started).toMatchObject([{ where: 'remote', address: 'dir:/mnt/cache' }]);
  await after(25 * hourMs, 'background');
  expect(started).toHaveLength(1);
});

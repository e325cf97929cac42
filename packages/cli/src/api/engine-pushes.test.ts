import { mkdirSync } from 'node:fs';
import type { VolumeReport } from '@cachelane/core';
import { expect, test } from 'vitest';
import type { ChosenRemote } from '../remotes/open-chosen-remote.ts';
import type { PushProcess } from '../host/pieces.ts';
import { stage } from '../fixtures/staged-host.fixture.ts';
import { enginePushes } from './engine-pushes.ts';

const shared = { pushMode: 'background', choice: { address: 'dir:/mnt/cache' } } as ChosenRemote;
const later = [{ sync: { pushed: 'later' } }] as unknown as readonly VolumeReport[];
const nothing = [{ sync: null }] as unknown as readonly VolumeReport[];
const turn = async (): Promise<void> => await new Promise((resolve) => void setImmediate(resolve));

test('one push runs at a time; saves during a push start another after it or at the engine’s end', async () => {
  const started: PushProcess[] = [];
  using on = stage({ pieces: { startPush: async (push) => await Promise.resolve(void started.push(push)) } });
  mkdirSync(on.home);
  const saved = async (reports: readonly VolumeReport[]): Promise<void> =>
    await pushes.push(on.host, { shared, homeDir: on.home, reports }, (message) => expect.fail(message));
  const pushes = enginePushes();
  await saved(nothing);
  expect(started).toHaveLength(0);
  for (const reports of [later, later, nothing, later]) await saved(reports);
  expect(started).toHaveLength(1);
  started[0]?.onEnd?.();
  await turn();
  expect(started).toHaveLength(2);
  started[1]?.onEnd?.();
  await turn();
  expect(started).toHaveLength(2);
  await saved(later);
  await saved(later);
  expect(started).toHaveLength(3);
  await pushes[Symbol.asyncDispose]();
  expect(started).toHaveLength(4);
});

test('a push that cannot start is a warning, and later pushes still start', async () => {
  let tries = 0;
  const startPush = async (): Promise<void> => await Promise.reject(new Error(`EAGAIN ${(tries += 1)}`));
  using on = stage({ pieces: { startPush } });
  mkdirSync(on.home);
  const told: string[] = [];
  await using pushes = enginePushes();
  for (let count = 0; count < 2; count++) {
    await pushes.push(on.host, { shared, homeDir: on.home, reports: later }, (message) => void told.push(message));
  }
  expect(told).toEqual([expect.stringContaining('EAGAIN 1'), expect.stringContaining('EAGAIN 2')]);
});

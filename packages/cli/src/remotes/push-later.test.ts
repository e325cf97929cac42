import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { VolumeReport } from '@cachelane/core';
import { describe, expect, test } from 'vitest';
import type { ChosenRemote } from './open-chosen-remote.ts';
import { pushLater } from './push-later.ts';
import { pushLog, startPush } from './push-process.ts';
import type { PushProcess } from '../host/pieces.ts';
import { stage, type Stage } from '../fixtures/staged-host.fixture.ts';

const address = 'dir:/mnt/cache';

async function warningsOf(on: Stage): Promise<readonly string[]> {
  const warnings: string[] = [];
  mkdirSync(on.home, { recursive: true });
  const shared = { pushMode: 'background', choice: { address } } as ChosenRemote;
  const reports = [{ sync: { pushed: 'later' } }] as unknown as readonly VolumeReport[];
  await pushLater(on.host, { shared, homeDir: on.home, reports }, (message) => void warnings.push(message));
  return warnings;
}

describe('a background push', () => {
  test('that cannot start is a warning', async () => {
    using on = stage({ pieces: { startPush: () => Promise.reject(new Error('EAGAIN')) } });
    expect(await warningsOf(on)).toEqual(['no background push was started; a later run pushes everything: EAGAIN']);
  });

  test('reports the last failure once, and warnings as warnings', async () => {
    const started: PushProcess[] = [];
    using on = stage({ pieces: { startPush: (push) => Promise.resolve(void started.push(push)) } });
    expect(await warningsOf(on)).toEqual([]);
    writeFileSync(pushLog(on.home), 'cachelane: warning: a is there again\ncachelane: b was not sent\u001B[2J\n');
    expect(await warningsOf(on)).toEqual([
      String.raw`the last background push failed; the next run of the lane or cachelane push retries it: b was not sent\u001b[2J`,
    ]);
    expect(await warningsOf(on)).toEqual([]);
    writeFileSync(pushLog(on.home), 'cachelane: warning: a is there again\n');
    expect(await warningsOf(on)).toEqual(['the last background push: a is there again']);
    expect(started).toHaveLength(4);
  });

  test('keeps output that another one writes at the same time', () => {
    using on = stage();
    mkdirSync(on.home, { recursive: true });
    writeFileSync(pushLog(on.home), 'of the other one\n');
    startPush({ program: ['true'], homeDir: on.home, address, env: { PATH: process.env['PATH'] } });
    expect(existsSync(pushLog(on.home))).toBe(true);
    expect(readFileSync(pushLog(on.home), 'utf8')).toBe('of the other one\n');
  });
});

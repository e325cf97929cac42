import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CachelaneError, type LayerStore, type RunReport } from '@cachelane/core';
import { requireCommands } from '@cachelane/testkit';
import { expect, test } from 'vitest';
import { drivers } from '../compose/compose.ts';
import type { StoreRequest } from '../host/pieces.ts';
import { stage, type Stage } from '../fixtures/staged-host.fixture.ts';

// Real drivers but for a store that takes no layer: the command is over by then.

const real = drivers({ PATH: process.env['PATH'] });

function stageWithout(fail: (on: Stage) => void): Stage {
  const noSpace = (): Promise<never> => {
    fail(on);
    return Promise.reject(new CachelaneError('E_DISK_FULL', 'no space is left', { hint: 'free some' }));
  };
  const openLayers = async (request: StoreRequest): Promise<LayerStore> => ({
    ...(await real.openLayers(request)),
    stage: noSpace,
  });
  const on: Stage = stage({ env: { PATH: process.env['PATH'] ?? '' }, pieces: { ...real, openLayers } });
  return on;
}

const command = ['-v', 'data:cache', '--', 'sh', '-c', 'echo x > cache/x; echo ran >> ran'] as const;

const timesRun = (on: Stage): number => readFileSync(join(on.project, 'ran'), 'utf8').split('\n').length - 1;

requireCommands(
  'bwrap',
  'flock',
  'sh',
)('a save that fails', () => {
  test('is a warning, and the exit code is the command’s', async () => {
    using on = stageWithout(() => {});
    expect(await on.cachelane('run', '--report', 'report.json', ...command)).toBe(0);
    expect(on.err()).toContain('data was not saved: no space is left; free some');
    const report = JSON.parse(readFileSync(join(on.project, 'report.json'), 'utf8')) as RunReport;
    expect(report.volumes).toMatchObject([{ name: 'data', layer: null, skipped: 'no space is left' }]);
    expect(timesRun(on)).toBe(1);
  });

  test('is 125 with --strict, and the command has run once', async () => {
    using on = stageWithout(() => {});
    expect(await on.cachelane('run', '--strict', ...command)).toBe(125);
    expect(on.err()).toContain('no space is left');
    expect(timesRun(on)).toBe(1);
  });

  test('by Ctrl-C ends us by that signal, also with --strict', async () => {
    for (const strict of [[], ['--strict']]) {
      using on = stageWithout((stopped) => stopped.signal('SIGINT'));
      expect(await on.cachelane('run', ...strict, ...command)).toBe(130);
      expect(on.diedOf).toEqual(['SIGINT']);
      expect(timesRun(on)).toBe(1);
    }
  });
});

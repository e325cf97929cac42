import {
  usualMounterWhy,
  type LaneName,
  type LayerId,
  type Namespace,
  type RunId,
  type VolumeReport,
} from '@cachelane/core';
import { describe, expect, test } from 'vitest';
import { chooseReporter, openReporter, type ReporterName } from './choose.ts';
import { escapeData, escapeProperty } from './github.ts';
import type { RunEvent } from './reporter.ts';

const web = 'github.com/acme/web' as Namespace;
const team = 'github.com/acme' as Namespace;
const pull = 't1:pr:12' as LaneName;
const main = 't2:ref:main' as LaneName;

const opened: RunEvent = {
  type: 'session-opened',
  namespace: web,
  lane: pull,
  trust: 'T1',
  readChain: [
    { namespace: web, lane: pull },
    { namespace: web, lane: main },
    { namespace: team, lane: main },
  ],
  canWrite: true,
  why: 'pull request 12 of the repository itself',
  volumes: [
    { name: 'npm', path: '/home/ann/.npm/_cacache' },
    { name: 'go-build', path: '/home/ann/.cache/go-build' },
  ],
  run: 'run_00000000000000000000000000000001' as RunId,
};

const report: VolumeReport = {
  name: 'npm',
  namespace: null,
  path: '/home/ann/.npm/_cacache',
  mounter: 'overlay',
  mounterWhy: usualMounterWhy,
  sharing: 'PRIVATE',
  hits: [
    { namespace: web, lane: main, layers: 3 },
    { namespace: team, lane: main, layers: 1 },
  ],
  seed: null,
  evicted: null,
  cameBack: null,
  shrunk: null,
  restoredBytes: 84_000_000,
  attachMs: 8,
  saveMs: 40,
  added: 12,
  changed: 3,
  removed: 0,
  savedBytes: 4_100_000,
  layer: 'f'.repeat(64) as LayerId,
  merged: 2,
  fed: [],
  conflicts: [],
  skipped: null,
  provider: null,
  warnings: [],
  leftToOthers: false,
  sync: null,
};

const done = (more: Partial<VolumeReport> = {}): RunEvent => ({ type: 'volume-done', report: { ...report, ...more } });
const warning = (message: string): RunEvent => ({ type: 'warning', code: 'E_MOUNT', message, hint: 'mend it' });
const progress = (count: number): RunEvent => ({
  type: 'progress',
  activity: 'saving',
  volume: 'npm',
  done: count,
  total: 900,
});

interface Shown {
  readonly name?: ReporterName;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  /** When each event comes, milliseconds. */
  readonly at?: readonly number[];
}

async function shown(
  events: readonly RunEvent[],
  { name = 'plain', quiet = false, verbose = false, env = {}, at = [] }: Shown = {},
) {
  let text = '';
  let nowMs = 0;
  const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs, sleep: () => Promise.resolve() };
  const output = { isTerminal: true, write: (more: string) => void (text += more) };
  const reporter = await openReporter({ name, quiet, verbose, env, output, clock });
  for (const [index, event] of events.entries()) {
    nowMs = at[index] ?? nowMs;
    reporter.event(event);
  }
  reporter.close();
  return text;
}

describe('plain', () => {
  test('opening a session prints nothing', async () => {
    expect(await shown([opened])).toBe('');
  });

  test('verbose says where the run is, what it reads and whether it may save', async () => {
    expect(await shown([opened], { verbose: true })).toBe(
      'cachelane: github.com/acme/web: lane t1:pr:12, level T1, reads t1:pr:12 -> t2:ref:main -> t2:ref:main of github.com/acme, ' +
        'may save (pull request 12 of the repository itself); 2 volumes: npm, go-build\n',
    );
  });

  test('one line for each volume', async () => {
    expect(await shown([opened, done(), done({ name: 'go-build', layer: null })])).toBe(
      'cachelane: npm restored 84 MB, saved 4.1 MB (github.com/acme/web, pr 12)\n' +
        'cachelane: go-build up to date (github.com/acme/web, pr 12)\n',
    );
  });

  test('the line of another project’s volume names that project', async () => {
    const other = 'github.com/other/x' as Namespace;
    expect(await shown([opened, done({ namespace: other, layer: null })])).toBe(
      'cachelane: npm up to date (github.com/other/x, pr 12)\n',
    );
  });

  test('verbose adds the lanes, the counts, the way and the time', async () => {
    expect(await shown([opened, done()], { verbose: true })).toContain(
      '\ncachelane: npm: read t2:ref:main (3 layers), t2:ref:main of github.com/acme (1 layer); 12 added, 3 changed, 0 removed, 2 merged; ' +
        `overlay: ${usualMounterWhy}; 48 ms\n`,
    );
  });

  test.each([
    [{ hits: [] }, 'npm saved 4.1 MB'],
    [{ hits: [], layer: null }, 'npm is empty'],
    [{ layer: null, skipped: 'mode read' }, 'npm restored 84 MB, not saved: mode read'],
    [
      { layer: null, skipped: 'shared with another run', leftToOthers: true },
      'npm restored 84 MB, shared with another run',
    ],
    [{ added: 0, changed: 0, removed: 2, savedBytes: 0 }, 'npm restored 84 MB, removed 2 paths'],
    [{ hits: [], seed: '/stock', layer: null }, 'npm started from /stock'],
    [{ mounter: null, skipped: 'no bwrap' }, 'npm has no cache: no bwrap'],
    [
      { hits: [], fed: [{ namespace: team, lane: main, layers: 1, sizeBytes: 10 }] },
      'npm saved 4.1 MB, fed to github.com/acme',
    ],
    [
      { hits: [], cameBack: { files: 2, sizeBytes: 2e6, atMs: 0 } },
      'npm saved 4.1 MB\ncachelane: npm: 2 files (2.0 MB) were made again after policy volume-budget evicted them on 1970-01-01 00:00:00Z',
    ],
    [
      { layer: null, shrunk: { files: 1, sizeBytes: 3e6, budgetBytes: 2 ** 30 } },
      'npm up to date\ncachelane: npm: removed 1 file (3.0 MB) to stay within its volume-budget of 1GiB',
    ],
  ])('%j', async (more, text) => {
    expect(await shown([done(more)])).toBe(`cachelane: ${text}\n`);
  });

  test('of many conflicts, the first three are named', async () => {
    const conflicts = Array.from({ length: 5 }, (_, index) => ({
      path: `f${index}`,
      resolution: 'later run kept',
      layer: index === 1 ? null : ('0123456789abcdef'.repeat(4) as LayerId),
    }));
    expect(await shown([done({ conflicts, merged: 0 })])).toContain(
      '5 conflicts: f0 (later run kept; the other is in layer 0123456789ab), f1 (later run kept), ' +
        'f2 (later run kept; the other is in layer 0123456789ab), and 2 more',
    );
  });

  test('a wait names its limit, the consequence and the option', async () => {
    const waiting = { type: 'waiting', message: 'npm is locked by run_1', limitMs: 600_000 } as const;
    expect(await shown([{ ...waiting, thenFails: false }])).toBe(
      'cachelane: waiting: npm is locked by run_1; for 10 min at most (--lock-timeout SECONDS), then the command runs without its volumes\n',
    );
    expect(await shown([{ ...waiting, thenFails: true }])).toContain('then the command does not run\n');
  });

  test('processes that outlive the command', async () => {
    const processes = [{ pid: 17, name: 'gradle' }];
    expect(await shown([{ type: 'leftovers', processes, action: 'ending' }])).toBe(
      'cachelane: the command left 1 process running: ending gradle (17)\n',
    );
  });

  test.each([
    [1, 'unpacking 1 layer that cannot be mounted as an image: only root can'],
    [2, 'unpacking 2 layers that cannot be mounted as images: only root can'],
  ])('layers that get trees: %i', async (layers, line) => {
    const event = { type: 'extracting', layers, reason: 'only root can' } as const;
    expect(await shown([event], { verbose: true })).toBe(`cachelane: ${line}\n`);
  });

  test('foreign text cannot forge a line', async () => {
    expect(await shown([warning('odd\n\u001B[2Jname')])).toBe(
      'cachelane: warning: odd\\u000a\\u001b[2Jname; mend it\n',
    );
  });

  test('work of more than a second is shown', async () => {
    const events = [progress(1), progress(100), progress(201), progress(300)];
    expect(await shown(events, { at: [0, 900, 1000, 2000] })).toBe(
      'cachelane: npm: saving 201 of 900 entries, 200/s, 4 s left\n',
    );
  });

  test('any other event ends an activity, so short activities stay hidden', async () => {
    expect(await shown([progress(1), opened, progress(1)], { at: [0, 900, 1100] })).toBe('');
  });
});

test('quiet leaves warnings', async () => {
  expect(await shown([opened, warning('broken'), done()], { quiet: true })).toBe(
    'cachelane: warning: broken; mend it\n',
  );
});

test('json is one event a line', async () => {
  const text = await shown([opened, warning('a\nb')], { name: 'json' });
  expect(text.split('\n').map((line) => (line === '' ? null : JSON.parse(line)))).toEqual([
    opened,
    warning('a\nb'),
    null,
  ]);
});

describe('tty', () => {
  test('the progress bar is removed before other output', async () => {
    const events = [progress(1), progress(201), done()];
    const text = await shown(events, { name: 'tty', at: [0, 1500, 1600], env: { NO_COLOR: '1' } });
    const clear = '\r\u001B[K';
    expect(
      text.startsWith(
        `${clear}cachelane: [==        ] npm: saving 201 of 900 entries, 133/s, 6 s left${clear}cachelane: npm restored `,
      ),
    ).toBe(true);
  });

  test('colours follow NO_COLOR', async () => {
    expect(await shown([warning('x')], { name: 'tty' })).toContain('\u001B[33m');
    expect(await shown([warning('x')], { name: 'tty', env: { NO_COLOR: '0' } })).not.toContain('\u001B');
    expect(await shown([warning('x')], { name: 'tty', env: { NO_COLOR: '' } })).toContain('\u001B[33m');
  });
});

describe('github', () => {
  test('warnings are annotations', async () => {
    expect(await shown([opened, warning('50% gone\nhere'), done()], { name: 'github' })).toBe(
      '::warning title=cachelane::50%25 gone\\u000ahere; mend it\n' +
        'cachelane: npm restored 84 MB, saved 4.1 MB (github.com/acme/web, pr 12)\n',
    );
  });

  test('foreign text is no command', async () => {
    const text = await shown([done({ skipped: '::add-mask::x\n##[add-mask]x', layer: null })], { name: 'github' });
    expect(text).not.toContain('##[');
    expect(text).not.toMatch(/^\s*::add-mask/m);
  });

  test('escapes', () => {
    expect(escapeData('a%b\r\n:,')).toBe('a%25b%0D%0A:,');
    expect(escapeProperty('a:b,c')).toBe('a%3Ab%2Cc');
  });
});

function chosen(env: Record<string, string>, isTerminal: boolean): string {
  return chooseReporter({
    name: 'auto',
    env,
    output: { isTerminal, write: () => {} },
  });
}

describe('auto', () => {
  test.each([
    [{}, true, 'tty'],
    [{}, false, 'plain'],
    [{ CI: 'true' }, true, 'plain'],
    [{ CI: 'false' }, true, 'tty'],
    [{ TERM: 'dumb' }, true, 'plain'],
    [{ CI: 'true', GITHUB_ACTIONS: 'true' }, false, 'github'],
  ])('%j at a terminal: %s', (env, isTerminal, name) => {
    expect(chosen(env, isTerminal)).toBe(name);
  });
});

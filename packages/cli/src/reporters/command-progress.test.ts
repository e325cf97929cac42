import { describe, expect, test } from 'vitest';
import { stage } from '../fixtures/staged-host.fixture.ts';
import { withProgress, type OutputWish } from './command-progress.ts';

interface Shown extends OutputWish {
  readonly isTerminal?: boolean;
  readonly total?: number | null;
  /** When each update comes, milliseconds. */
  readonly at: readonly number[];
}

/** Returns what a command prints that verifies 10 MB every second. */
async function shown({ isTerminal = false, total = 90_000_000, at, ...wish }: Shown): Promise<string> {
  using staged = stage();
  let nowMs = 0;
  const clock = { ...staged.host.clock, monotonicMs: () => nowMs };
  const host = { ...staged.host, clock, stderr: { ...staged.host.stderr, isTerminal } };
  await withProgress(host, wish, async ({ update, events }) => {
    for (const ms of at) {
      nowMs = ms;
      update({ activity: 'verifying', done: ms * 10_000, total, unit: 'bytes' });
    }
    events({ type: 'warning', code: 'E_MOUNT', message: 'slow disk', hint: null });
    return await Promise.resolve();
  });
  return staged.err();
}

const warning = 'cachelane: warning: slow disk\n';
const clear = '\r\u001B[K';

describe('progress of a command', () => {
  test('of less than a second is not shown', async () => {
    expect(await shown({ at: [0, 500, 999] })).toBe(warning);
    expect(await shown({ at: [0, 500, 999], isTerminal: true })).toBe(warning);
  });

  test('is one line every ten seconds in a log', async () => {
    expect(await shown({ at: [0, 1000, 2000, 8000, 10_999, 11_000] })).toBe(
      'cachelane: verifying 10 MB of 90 MB, 10 MB/s, 8 s left\n' +
        `cachelane: verifying 110 MB of 90 MB, 10 MB/s\n${warning}`,
    );
  });

  test('has no time left while the total is unknown', async () => {
    expect(await shown({ at: [0, 2000], total: null })).toBe(`cachelane: verifying 20 MB, 10 MB/s\n${warning}`);
  });

  test('is a bar on a terminal, which is gone before a warning', async () => {
    expect(await shown({ at: [0, 1000, 1099, 3000], isTerminal: true })).toBe(
      `${clear}cachelane: [=         ] verifying 10 MB of 90 MB, 10 MB/s, 8 s left` +
        `${clear}cachelane: [===       ] verifying 30 MB of 90 MB, 10 MB/s, 6 s left${clear}${warning}`,
    );
  });

  test.each([{ json: true }, { quiet: true }])('is not shown with %j', async (wish) => {
    expect(await shown({ at: [0, 2000, 20_000], ...wish })).toBe(warning);
  });
});

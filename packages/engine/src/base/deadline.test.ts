import { CachelaneError, type Clock } from '@cachelane/core';
import { describe, expect, test } from 'vitest';
import { within } from './deadline.ts';

/** A clock with sleeps that the test ends. */
function heldClock(): { readonly clock: Clock; readonly elapse: () => void } {
  const waiting: (() => void)[] = [];
  return {
    clock: {
      nowMs: () => 0,
      monotonicMs: () => 0,
      sleep: (_, signal) =>
        new Promise((resolve, reject) => {
          waiting.push(resolve);
          signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
        }),
    },
    elapse: () => {
      for (const end of waiting) end();
    },
  };
}

const never = new AbortController().signal;

/** Waits for an abort, like a remote. */
function stopped(signal: AbortSignal, cause?: unknown): Promise<never> {
  return new Promise((_, reject) => {
    const stop = (): void => reject(new CachelaneError('E_ABORTED', 'stopped on request', { cause }));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}

describe('a deadline', () => {
  const late = 's3://bucket did not answer';

  test('does nothing to work that ends in time, and leaves no timer', async () => {
    const { clock } = heldClock();
    expect(await within({ clock, limitMs: 10_000, late }, never, () => Promise.resolve('done'))).toBe('done');
    const failing = within({ clock, limitMs: 10_000, late }, never, () => Promise.reject(new Error('its own')));
    await expect(failing).rejects.toThrow('its own');
  });

  test('stops late work and reports its last error', async () => {
    const { clock, elapse } = heldClock();
    const plain = within({ clock, limitMs: 10_000, late }, never, stopped);
    elapse();
    await expect(plain).rejects.toMatchObject({
      code: 'E_REMOTE_GONE',
      message: 's3://bucket did not answer within 10 s',
      retryable: true,
    });
    const cause = new CachelaneError('E_REMOTE_BUSY', 'it asks for patience');
    const told = within({ clock, limitMs: 300_000, late }, never, async (signal) => await stopped(signal, cause));
    elapse();
    await expect(told).rejects.toThrow('did not answer within 300 s (it asks for patience)');
  });

  test('is not reported when the caller stops the work', async () => {
    const { clock } = heldClock();
    const person = new AbortController();
    const run = within({ clock, limitMs: 10_000, late }, person.signal, stopped);
    person.abort();
    await expect(run).rejects.toMatchObject({ code: 'E_ABORTED' });
  });
});

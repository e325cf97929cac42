import { CachelaneError, isCachelaneError, type Clock } from '@cachelane/core';

export interface Deadline {
  readonly clock: Clock;
  readonly limitMs: number;
  /** The start of the message: `s3://bucket/prefix did not answer`. */
  readonly late: string;
}

/** One error for all calls, since creating one is slow. */
const isDone = new Error('the work has ended');

/** Runs `act` and stops it at the deadline. Errors: E_REMOTE_GONE, with the last failure if there was one. */
export async function within<T>(
  { clock, limitMs, late }: Deadline,
  signal: AbortSignal,
  act: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const timer = new AbortController();
  const done = new AbortController();
  const wait = clock.sleep(limitMs, done.signal).then(
    () => timer.abort(),
    () => undefined,
  );
  try {
    return await act(AbortSignal.any([signal, timer.signal]));
  } catch (error) {
    if (!timer.signal.aborted || signal.aborted || !isStop(error)) throw error;
    const seconds = limitMs < 1000 ? limitMs / 1000 : Math.round(limitMs / 1000);
    throw new CachelaneError('E_REMOTE_GONE', `${late} within ${seconds} s${lastFailure(error)}`, {
      retryable: true,
      cause: error,
    });
  } finally {
    done.abort(isDone);
    await wait;
  }
}

function isStop(error: unknown): boolean {
  return isCachelaneError(error, 'E_ABORTED') || (error instanceof Error && error.name === 'AbortError');
}

/** A retry loop that is stopped carries its last failure as the cause. */
function lastFailure(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return isCachelaneError(cause) && cause.code !== 'E_ABORTED' ? ` (${cause.message})` : '';
}

import { CachelaneError, isCachelaneError } from '../errors/errors.ts';
import { neverSent } from '../errors/failures.ts';
import { LostAnswerError } from '../errors/lost-answer-error.ts';
import type { Operation } from '../wire/operation.ts';

/** Pauses before retries. A broken connection is retried at once, and an engine that restarts needs a moment. */
const pausesMs = [20, 250] as const;

export interface Repeated<R, V> {
  readonly operation: Operation<R, V>;
  readonly variables: V;
  /** Also ends the pause between attempts. */
  readonly signal: AbortSignal;
}

/**
 * Repeats an operation with a lost answer. For queries, and mutations that are safe to repeat. Errors:
 * `LostAnswerError` if a mutation may or may not have been carried out.
 */
export async function repeat<R, V>(
  { operation, variables, signal }: Repeated<R, V>,
  attempt: () => Promise<R>,
): Promise<R> {
  let mayBeDone = false;
  for (const pauseMs of [...pausesMs, null]) {
    try {
      return await attempt();
    } catch (error) {
      if (!isCachelaneError(error, 'E_ENGINE_GONE')) throw error;
      mayBeDone ||= isChange(operation) && !neverSent(error);
      if (pauseMs !== null && !signal.aborted) {
        await pause(pauseMs, signal);
        if (!signal.aborted) continue;
      }
      throw mayBeDone
        ? new LostAnswerError(error, { key: textIn(variables, 'key'), fork: textIn(variables, 'fork') })
        : error;
    }
  }
  throw new CachelaneError('E_INTERNAL', 'an attempt neither failed nor ended');
}

function isChange({ text }: Pick<Operation<never, never>, 'text'>): boolean {
  return text.startsWith('mutation');
}

function textIn(variables: unknown, name: string): string | null {
  const value = (variables as Readonly<Record<string, unknown>>)[name];
  return typeof value === 'string' ? value : null;
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end, { once: true });
  });
}

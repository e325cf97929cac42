import { CachelaneError } from '../errors/errors.ts';

interface AnswerError {
  readonly message?: unknown;
  readonly path?: readonly (string | number)[];
  readonly extensions?: { readonly code?: unknown; readonly hint?: unknown; readonly retryable?: unknown };
}

interface Answer {
  readonly data?: unknown;
  readonly errors?: readonly AnswerError[];
}

/** Returns `data` of an answer. Throws its first error; E_USAGE if it is not an engine's answer. */
export function dataOf(text: string, address: string): unknown {
  const { data, errors = [] } = parsed(text, address);
  const [first] = errors;
  if (first === undefined) return data;
  const { code, hint, retryable } = first.extensions ?? {};
  throw new CachelaneError(typeof code === 'string' ? code : 'E_INTERNAL', String(first.message), {
    hint: typeof hint === 'string' ? hint : undefined,
    retryable: retryable === true,
    path: first.path,
  });
}

/** Returns the value of a mutation's field, which is null only with an error. */
export function done<T>(result: T | null): T {
  if (result !== null) return result;
  throw new CachelaneError('E_INTERNAL', 'the engine returned neither a result nor an error');
}

function parsed(text: string, address: string): Answer {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = null;
  }
  if (typeof value === 'object' && value !== null && ('data' in value || 'errors' in value)) return value as Answer;
  throw new CachelaneError('E_USAGE', `${address} did not answer like a cachelane engine`, {
    hint: 'check the address: CACHELANE_ENGINE must be that of an engine',
  });
}

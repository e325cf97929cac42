import type { ErrorCode } from '../generated/error-codes.ts';

export interface CachelaneErrorOptions {
  /** What can be done about it, one sentence. */
  readonly hint?: string | undefined;
  /** Whether the same call may succeed later without anyone changing anything. */
  readonly retryable?: boolean;
  /** Field of the document that it is about: `['attach']`. */
  readonly path?: readonly (string | number)[] | undefined;
  readonly cause?: unknown;
}

/**
 * Whatever goes wrong: what the engine refuses, with its code, and what keeps it from being asked (`E_ENGINE_GONE`). A call that its signal ended is `E_ABORTED`, with the reason
 * as its cause. Codes are stable: match on them, and show `message` and `hint` to people.
 */
export class CachelaneError extends Error {
  override readonly name = 'CachelaneError';
  readonly code: ErrorCode | (string & {});
  readonly hint: string | undefined;
  readonly retryable: boolean;
  readonly path: readonly (string | number)[] | undefined;

  constructor(code: ErrorCode | (string & {}), message: string, options: CachelaneErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.retryable = options.retryable ?? false;
    this.path = options.path;
  }
}

/**
 * Without codes: whatever it is about. It knows errors of other copies of this package too.
 *
 * @example
 * ```ts
 * import { isCachelaneError, type CacheVolume } from '@cachelane/sdk';
 *
 * async function idOrNull(volume: CacheVolume): Promise<string | null> {
 *   try {
 *     return await volume.id();
 *   } catch (error) {
 *     if (isCachelaneError(error, 'E_NOT_FOUND')) return null;
 *     throw error;
 *   }
 * }
 * ```
 */
export function isCachelaneError(
  value: unknown,
  ...codes: readonly (ErrorCode | (string & {}))[]
): value is CachelaneError {
  if (!(value instanceof Error) || value.name !== 'CachelaneError') return false;
  const { code } = value as Partial<CachelaneError>;
  return typeof code === 'string' && (codes.length === 0 || codes.includes(code));
}

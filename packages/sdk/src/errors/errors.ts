import type { ErrorCode } from '../generated/error-codes.ts';

export interface CachelaneErrorOptions {
  /** What to do about it, in one sentence. */
  readonly hint?: string | undefined;
  /** Whether the same call may succeed later without other changes. */
  readonly retryable?: boolean;
  /** The field of the document that failed: `['attach']`. */
  readonly path?: readonly (string | number)[] | undefined;
  readonly cause?: unknown;
}

/**
 * Any error of the engine or of the connection to it (`E_ENGINE_GONE`). An aborted call throws `E_ABORTED` with the
 * reason as its cause. Codes are stable: match on them, and show `message` and `hint` to people.
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
 * Returns whether a value is a CachelaneError with one of the codes; without codes, any. Also recognizes errors of
 * other copies of this package.
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

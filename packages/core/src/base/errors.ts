/**
 * The one error type of the project. Codes are API: scripts match them, and exit codes derive from them, so a code is
 * never renamed or reused. `message` and `hint` are shown and logged: callers redact them first (see {@link
 * redactUrl}).
 */
export const errorCodes = [
  'E_USAGE',
  'E_CONFIG',
  'E_NAMESPACE',
  'E_VOLUME',
  'E_CATALOG',
  'E_GRANT',
  'E_MOUNT_POINT',
  'E_MOUNT',
  'E_NO_MOUNTER',
  'E_HOME_OWNER',
  'E_HOME_UNUSABLE',
  'E_STORE_NEWER',
  'E_STORE_CORRUPT',
  'E_STORE_BUSY',
  'E_DISK_FULL',
  'E_LAYER_MISSING',
  'E_LAYER_CORRUPT',
  'E_LAYER_REFUSED',
  'E_HEAD_MOVED',
  'E_LOCKED',
  'E_LIMIT',
  'E_QUOTA',
  'E_REMOTE_GONE',
  'E_REMOTE_BUSY',
  'E_REMOTE_UNKNOWN',
  'E_REMOTE_DENIED',
  'E_REMOTE_READ_ONLY',
  'E_REMOTE_FULL',
  'E_REMOTE_UNFIT',
  'E_OBJECT_CORRUPT',
  'E_ENGINE_BUSY',
  'E_ENGINE_DENIED',
  'E_ENGINE_GONE',
  'E_SESSION_GONE',
  'E_NOT_SAVED',
  'E_NOT_FOUND',
  'E_COMMAND',
  'E_ABORTED',
  'E_INTERNAL',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

export interface CachelaneErrorOptions {
  /** What the user can do about it, one sentence. */
  readonly hint?: string;
  /** Whether the same call may succeed later without any change. */
  readonly retryable?: boolean;
  readonly cause?: unknown;
}

export class CachelaneError extends Error {
  override readonly name = 'CachelaneError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, options: CachelaneErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.retryable = options.retryable ?? false;
  }
}

/** Returns whether the value is a CachelaneError with one of the codes, or with any code if none is given. */
export function isCachelaneError(value: unknown, ...codes: readonly ErrorCode[]): value is CachelaneError {
  return value instanceof CachelaneError && (codes.length === 0 || codes.includes(value.code));
}

/** Returns anything thrown as an error with a code. Errors of other types are bugs of ours or of the system. */
export function asCachelaneError(thrown: unknown): CachelaneError {
  if (thrown instanceof CachelaneError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new CachelaneError('E_INTERNAL', message, {
    cause: thrown,
    hint: 'this is a bug in cachelane; please report it',
  });
}

/** Marks a case that the types exclude; reaching it is a bug. */
export function unreachable(value: never): never {
  throw new CachelaneError('E_INTERNAL', `unreachable case: ${String(value)}`);
}

/** Throws E_INTERNAL if an invariant of our own code fails. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new CachelaneError('E_INTERNAL', `broken invariant: ${message}`);
}

/**
 * The one error type of the project. A code is API: scripts match on it, exit codes and warnings derive from it, so a
 * code is never renamed or reused. Whatever is put into `message` or `hint` is shown to people and written to logs:
 * callers redact before they construct (see {@link redactUrl}).
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
  /** What the person can do about it, one sentence. */
  readonly hint?: string;
  /** Whether the same call may succeed later without anyone changing anything. */
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

/** Without codes: whatever it is about. */
export function isCachelaneError(value: unknown, ...codes: readonly ErrorCode[]): value is CachelaneError {
  return value instanceof CachelaneError && (codes.length === 0 || codes.includes(value.code));
}

/** For the places where we fail open: whatever was thrown, as an error with a code. A foreign error is a bug of ours or of the system below. */
export function asCachelaneError(thrown: unknown): CachelaneError {
  if (thrown instanceof CachelaneError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new CachelaneError('E_INTERNAL', message, {
    cause: thrown,
    hint: 'this is a fault of cachelane; please report it',
  });
}

/** Marks a case that the types rule out; reaching it is a bug, not a condition. */
export function unreachable(value: never): never {
  throw new CachelaneError('E_INTERNAL', `unreachable case: ${String(value)}`);
}

/** Checks an invariant of our own code; a failure is a bug, never a user's mistake. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new CachelaneError('E_INTERNAL', `broken invariant: ${message}`);
}

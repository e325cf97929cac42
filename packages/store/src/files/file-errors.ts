import { CachelaneError, displayPath, type BytePath } from '@cachelane/core';

/** Returns the errno code, such as `ENOENT`, or undefined for errors of another kind. */
export function errnoOf(error: unknown): string | undefined {
  const code = (error as { readonly code?: unknown } | undefined)?.code;
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}

export function isMissing(error: unknown): boolean {
  const code = errnoOf(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/**
 * Converts a system error to the store's error for it. Returns other errors unchanged. `doing` completes "failed
 * while …".
 */
export function fromSystem(error: unknown, doing: string): unknown {
  const code = errnoOf(error);
  if (code === undefined || error instanceof CachelaneError) return error;
  const detail = error instanceof Error ? error.message : String(error);
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new CachelaneError('E_DISK_FULL', `no space left while ${doing}`, {
        hint: 'free some space, for example with `cachelane gc`',
        cause: error,
      });
    case 'ENAMETOOLONG':
      return new CachelaneError('E_LAYER_REFUSED', `a path is too long while ${doing} (${detail.slice(0, 200)})`, {
        hint: 'give the volume, or CACHELANE_HOME, a shorter path',
        cause: error,
      });
    case 'EIO':
    case 'EBADMSG':
    case 'EUCLEAN':
      return new CachelaneError('E_LAYER_CORRUPT', `the disk failed while ${doing} (${detail})`, { cause: error });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new CachelaneError('E_HOME_UNUSABLE', `no permission while ${doing} (${detail})`, {
        hint: 'make the home writable for this user, or set CACHELANE_HOME to your own directory',
        cause: error,
      });
    default:
      return new CachelaneError('E_INTERNAL', `${doing} failed: ${detail}`, { cause: error });
  }
}

export function refused(path: BytePath, why: string): CachelaneError {
  return new CachelaneError('E_LAYER_REFUSED', `cannot save ${displayPath(path).slice(0, 300)}: ${why}`);
}

/** Runs one call of a port. Throws E_ABORTED if it is already aborted, and converts system errors. */
export function portCall<T>(doing: string, signal: AbortSignal, call: () => T): Promise<T> {
  return new Promise((resolve) => {
    throwIfAborted(signal);
    try {
      resolve(call());
    } catch (error) {
      throw fromSystem(error, doing);
    }
  });
}

/** Same as {@link portCall}, for an asynchronous call. */
export async function longPortCall<T>(doing: string, signal: AbortSignal, call: () => Promise<T>): Promise<T> {
  throwIfAborted(signal);
  try {
    return await call();
  } catch (error) {
    throw fromSystem(error, doing);
  }
}

/** Throws E_ABORTED if aborted. Long work calls this several times a second. */
export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new CachelaneError('E_ABORTED', 'stopped on request', { cause: signal.reason });
}

import { CachelaneError, displayPath, type BytePath } from '@cachelane/core';

/** `ENOENT` and the like; undefined for errors that are not the system's. */
export function errnoOf(error: unknown): string | undefined {
  const code = (error as { readonly code?: unknown } | undefined)?.code;
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}

export function isMissing(error: unknown): boolean {
  const code = errnoOf(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** What an error of the system means for whoever called the store; anything else comes back as it is. */
export function fromSystem(error: unknown, doing: string): unknown {
  const code = errnoOf(error);
  if (code === undefined || error instanceof CachelaneError) return error;
  const detail = error instanceof Error ? error.message : String(error);
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new CachelaneError('E_DISK_FULL', `there is no space left for ${doing}`, {
        hint: 'free some space; `cachelane gc` removes what no run needs',
        cause: error,
      });
    case 'ENAMETOOLONG':
      return new CachelaneError('E_LAYER_REFUSED', `a path is too long for ${doing} (${detail.slice(0, 200)})`, {
        hint: 'give the volume, or CACHELANE_HOME, a shorter path',
        cause: error,
      });
    case 'EIO':
    case 'EBADMSG':
    case 'EUCLEAN':
      return new CachelaneError('E_LAYER_CORRUPT', `the disk failed at ${doing} (${detail})`, { cause: error });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new CachelaneError('E_HOME_UNUSABLE', `no permission for ${doing} (${detail})`, {
        hint: 'make the home writable for the user who runs this, or set CACHELANE_HOME to one of your own',
        cause: error,
      });
    default:
      return new CachelaneError('E_INTERNAL', `${doing} failed: ${detail}`, { cause: error });
  }
}

export function refused(path: BytePath, why: string): CachelaneError {
  return new CachelaneError('E_LAYER_REFUSED', `${displayPath(path).slice(0, 300)} cannot be saved: ${why}`);
}

/** Runs one call of a port: refuses to start when aborted, and translates what the system says. */
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

/** The same for a call that takes turns with others. */
export async function longPortCall<T>(doing: string, signal: AbortSignal, call: () => Promise<T>): Promise<T> {
  throwIfAborted(signal);
  try {
    return await call();
  } catch (error) {
    throw fromSystem(error, doing);
  }
}

/** Work between two looks at the signal stays well under a second. */
export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new CachelaneError('E_ABORTED', 'stopped on request', { cause: signal.reason });
}

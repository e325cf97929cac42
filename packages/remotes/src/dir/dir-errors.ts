import { CachelaneError, printable } from '@cachelane/core';

export function errnoOf(error: unknown): string | undefined {
  const code = (error as { readonly code?: unknown } | undefined)?.code;
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}

export function isMissing(error: unknown): boolean {
  const code = errnoOf(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** File systems without hard links report it with different codes. */
export function cannotLink(error: unknown): boolean {
  return ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(errnoOf(error) ?? '');
}

/** Whether a call changes the directory: a write may have taken effect although the server did not answer. */
export type DirDoing = 'reading' | 'writing';

/** Returns a system error as an error of the remote; other errors unchanged. */
export function fromSystem(error: unknown, name: string, doing: DirDoing): unknown {
  const code = errnoOf(error);
  if (code === undefined || error instanceof CachelaneError) return error;
  const said = `${name}: ${printable(error instanceof Error ? error.message : code)}`;
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new CachelaneError('E_REMOTE_FULL', `there is no space left in ${name}`, {
        hint: 'free some space there',
        cause: error,
      });
    case 'EROFS':
      return readOnly(name, error);
    case 'EACCES':
    case 'EPERM':
      return doing === 'writing'
        ? readOnly(name, error)
        : new CachelaneError('E_REMOTE_DENIED', `no permission to read in ${name}`, {
            hint: 'give this user read access',
            cause: error,
          });
    case 'EIO':
    case 'ETIMEDOUT':
    case 'EREMOTEIO':
      return doing === 'writing'
        ? new CachelaneError('E_REMOTE_UNKNOWN', `a write may not have arrived: ${said}`, {
            retryable: true,
            cause: error,
          })
        : gone(said, error);
    case 'ESTALE':
    case 'ENOTCONN':
    case 'EHOSTDOWN':
    case 'EHOSTUNREACH':
    case 'ECONNREFUSED':
    case 'ECONNRESET':
    case 'EBUSY':
    case 'EMFILE':
    case 'ENFILE':
    case 'EINTR':
    case 'EAGAIN':
      return gone(said, error);
    case 'ENOENT':
    case 'ENOTDIR':
      return new CachelaneError('E_REMOTE_GONE', said, { cause: error });
    default:
      return new CachelaneError('E_INTERNAL', said, { cause: error });
  }
}

function gone(said: string, cause: unknown): CachelaneError {
  return new CachelaneError('E_REMOTE_GONE', `it cannot be reached: ${said}`, { retryable: true, cause });
}

function readOnly(name: string, cause: unknown): CachelaneError {
  return new CachelaneError('E_REMOTE_READ_ONLY', `nothing can be written in ${name}`, {
    hint: 'give this user write access, or do not push there',
    cause,
  });
}

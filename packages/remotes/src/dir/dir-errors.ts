import { CachelaneError, printable } from '@cachelane/core';

export function errnoOf(error: unknown): string | undefined {
  const code = (error as { readonly code?: unknown } | undefined)?.code;
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}

export function isMissing(error: unknown): boolean {
  const code = errnoOf(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** File systems that cannot make hard links say so in different words. */
export function cannotLink(error: unknown): boolean {
  return ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(errnoOf(error) ?? '');
}

/** What a call does to the directory decides what an error means: a write may have reached a server that could not answer any more. */
export type DirDoing = 'reading' | 'writing';

/** What an error of the system means for whoever called the remote; anything else comes back as it is. */
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
            hint: 'make it readable for the user who runs this',
            cause: error,
          });
    case 'EIO':
    case 'ETIMEDOUT':
    case 'EREMOTEIO':
      return doing === 'writing'
        ? new CachelaneError('E_REMOTE_UNKNOWN', `what was written may not have arrived: ${said}`, {
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
    hint: 'make it writable for the user who runs this, or do not push there',
    cause,
  });
}

import { asCachelaneError, warningOf, type CachelaneError, type EngineEvent, type Remote } from '@cachelane/core';

/** A remote that fails, as one line: which one, why, and what comes of it. */
export function troubleWith(remote: Remote, thrown: unknown, consequence: string): EngineEvent {
  const error = asCachelaneError(thrown);
  return warningOf(error, `${consequence}: ${named(remote, error)}`);
}

/** Errors of remotes name it, but for those that are about what was found there. A disk that is full and a store that is busy are of this machine. */
function named({ name }: Remote, { code, message }: CachelaneError): string {
  const isOfRemote = code.startsWith('E_REMOTE_') || code === 'E_OBJECT_CORRUPT';
  return !isOfRemote || message.includes(name) ? message : `${name}: ${message}`;
}

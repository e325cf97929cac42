import { asCachelaneError, warningOf, type CachelaneError, type EngineEvent, type Remote } from '@cachelane/core';

/** Returns a warning with the remote, its error and the consequence. */
export function troubleWith(remote: Remote, thrown: unknown, consequence: string): EngineEvent {
  const error = asCachelaneError(thrown);
  return warningOf(error, `${consequence}: ${named(remote, error)}`);
}

/** Adds the remote's name to its own errors. Errors of this machine, like a full disk, stay as they are. */
function named({ name }: Remote, { code, message }: CachelaneError): string {
  const isOfRemote = code.startsWith('E_REMOTE_') || code === 'E_OBJECT_CORRUPT';
  return !isOfRemote || message.includes(name) ? message : `${name}: ${message}`;
}

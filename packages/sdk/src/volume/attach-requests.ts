import type { Attachable, AttachRequest, CacheVolume } from './cache-volume.ts';
import { CachelaneError } from '../errors/errors.ts';

/** Checks and completes requests, also for programs without a compiler. Errors: E_USAGE. */
export function attachRequests(asked: readonly Attachable[]): readonly AttachRequest[] {
  const given: unknown = asked;
  if (Array.isArray(given)) return given.map(requestOf);
  throw new CachelaneError('E_USAGE', 'the argument of attach must be a list of volumes', { hint: attachHint });
}

const attachHint = "attach([engine.cacheVolume('npm')])";

function requestOf(each: unknown): AttachRequest {
  if (isVolume(each)) return { volume: each };
  if (isObject(each) && isVolume(each['volume'])) {
    requireVariable(each['variable']);
    return each as object as AttachRequest;
  }
  const what = typeof each === 'string' ? JSON.stringify(each) : each === null ? 'null' : `of type ${typeof each}`;
  throw new CachelaneError('E_USAGE', `an element of the list is ${what}, not a volume`, { hint: attachHint });
}

/** Also recognizes volumes of another copy of this package. */
function isVolume(value: unknown): value is CacheVolume {
  return isObject(value) && typeof value['id'] === 'function';
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function requireVariable(name: unknown): void {
  if (name === undefined) return;
  if (typeof name !== 'string' || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    throw new CachelaneError('E_USAGE', `${JSON.stringify(name)} is not a valid name of an environment variable`);
  }
  if (name !== 'PATH' && !name.startsWith('CACHELANE_')) return;
  throw new CachelaneError('E_USAGE', `variable ${name} has another meaning and cannot point to a directory`, {
    hint: 'choose one that the command reads for this volume only',
  });
}

/** Errors: E_USAGE. The engine checks the maximum. */
export function requireSeconds(lockTimeoutSeconds: number | undefined): void {
  if (lockTimeoutSeconds === undefined || Number.isInteger(lockTimeoutSeconds)) return;
  throw new CachelaneError(
    'E_USAGE',
    `lockTimeoutSeconds is ${String(lockTimeoutSeconds)}, and must be a whole number`,
    {
      hint: '0 does not wait, and 86400 is a day',
    },
  );
}

import type { Attachable, AttachRequest, CacheVolume } from './cache-volume.ts';
import { CachelaneError } from '../errors/errors.ts';

/** What is asked for, checked also for programs that no compiler has read. Errors: E_USAGE. */
export function attachRequests(asked: readonly Attachable[]): readonly AttachRequest[] {
  const given: unknown = asked;
  if (Array.isArray(given)) return given.map(requestOf);
  throw new CachelaneError('E_USAGE', 'what is attached is a list of volumes', { hint: attachHint });
}

const attachHint = "attach([engine.cacheVolume('npm')])";

function requestOf(each: unknown): AttachRequest {
  if (isVolume(each)) return { volume: each };
  if (isObject(each) && isVolume(each['volume'])) {
    requireVariable(each['variable']);
    return each as object as AttachRequest;
  }
  const what = typeof each === 'string' ? JSON.stringify(each) : each === null ? 'null' : `of type ${typeof each}`;
  throw new CachelaneError('E_USAGE', `a volume to attach is ${what}, and no volume`, { hint: attachHint });
}

/** Also of another copy of this package. */
function isVolume(value: unknown): value is CacheVolume {
  return isObject(value) && typeof value['id'] === 'function';
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function requireVariable(name: unknown): void {
  if (name === undefined) return;
  if (typeof name !== 'string' || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    throw new CachelaneError('E_USAGE', `variable ${JSON.stringify(name)} is no name of an environment variable`);
  }
  if (name !== 'PATH' && !name.startsWith('CACHELANE_')) return;
  throw new CachelaneError('E_USAGE', `variable ${name} has a meaning already, and cannot name a directory`, {
    hint: 'choose one that the command reads for this volume alone',
  });
}

/** Errors: E_USAGE. What is too long is the engine's to say. */
export function requireSeconds(lockTimeoutSeconds: number | undefined): void {
  if (lockTimeoutSeconds === undefined || Number.isInteger(lockTimeoutSeconds)) return;
  throw new CachelaneError('E_USAGE', `lockTimeoutSeconds is ${String(lockTimeoutSeconds)}, and is a whole number`, {
    hint: '0 does not wait, and 86400 is a day',
  });
}

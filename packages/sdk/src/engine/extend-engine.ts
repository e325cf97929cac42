import type { Engine } from './engine.ts';
import { CachelaneError } from '../errors/errors.ts';

/**
 * The same session with methods beside those that it has, also where it is taken to another namespace or scope. For what `cachelane generate` writes.
 *
 * @example
 * ```ts
 * import { extendEngine, type CacheVolume, type Engine } from '@cachelane/sdk';
 *
 * export function withPip<E extends Engine>(engine: E): E & { pip(): CacheVolume } {
 *   return extendEngine(engine, (each) => ({ pip: () => each.catalog('my-org').cacheVolume('pip-cache') }));
 * }
 * ```
 */
export function extendEngine<E extends Engine, M extends object>(engine: E, methods: (engine: E) => M): E & M {
  return {
    ...engine,
    ...methods(engine),
    withNamespace: (namespace: string) => extendEngine(engine.withNamespace(namespace), methods),
    scope: (...names: readonly string[]) => extendEngine(engine.scope(...names), methods),
  };
}

/** What a method of a generated client does that must not be called any more. Throws E_CATALOG: an empty volume would be no answer. */
export function notOffered(why: string): never {
  throw new CachelaneError('E_CATALOG', why, {
    hint: 'use what the reason says; once nothing asks for it any more, cachelane add --accept NAME takes it off the list',
  });
}

import type { Engine } from './engine.ts';
import { CachelaneError } from '../errors/errors.ts';

/**
 * Returns the same session with additional methods, also after `withNamespace` and `scope`. `cachelane generate` uses
 * it.
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

/**
 * The body of a generated method for a removed definition. Throws E_CATALOG, since an empty volume would hide the
 * removal.
 */
export function notOffered(why: string): never {
  throw new CachelaneError('E_CATALOG', why, {
    hint: 'follow the reason; when no code uses it any more, run cachelane add --accept NAME to drop it',
  });
}

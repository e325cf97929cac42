import type { CacheVolume, VolumeOptions } from './cache-volume.ts';
import type { CallOptions } from './call-options.ts';
import type { CatalogInfo } from '../generated/results.ts';

/** As for any volume. The defaults are the definition's. */
export type CatalogVolumeOptions = VolumeOptions;

/** One version of a catalog, as in `cachelane.lock`. */
export interface LockedVersion {
  /** The publishing namespace. */
  readonly namespace: string;
  readonly version: number;
  /** The digest of its content. */
  readonly digest: string;
}

/**
 * A namespace's catalog. Sends no request until a method of it or its volumes is called.
 *
 * @example
 * ```ts
 * import { connect } from '@cachelane/sdk/node';
 *
 * await using engine = await connect();
 * const pip = engine.catalog('my-org').cacheVolume('pip-cache');
 * try {
 *   const { key, namespace, warnings } = await pip.info();
 *   console.log(namespace, key, warnings);
 * } catch (error) {
 *   console.log(error); // my-org is no namespace or alias here, or it offers no pip-cache
 * }
 * ```
 */
export interface Catalog {
  /**
   * Returns the volume of a definition. Its first request throws `E_CATALOG` if there is no such definition; the error
   * names similar ones, or when and why it was removed. `warnings` of `info()` reports a deprecation. Of tier
   * `project`, it is in the session's namespace and scope; of tier `catalog`, in the publisher's.
   */
  cacheVolume(name: string, options?: CatalogVolumeOptions): CacheVolume;
  /** Returns the catalog's content. Throws E_NOT_FOUND if the namespace has none. */
  info(options?: CallOptions): Promise<CatalogInfo>;
}

import type { CacheVolume, VolumeOptions } from './cache-volume.ts';
import type { CallOptions } from './call-options.ts';
import type { CatalogInfo } from '../generated/results.ts';

/** As of any volume; what is left out is as the definition says. */
export type CatalogVolumeOptions = VolumeOptions;

/** One version of a catalog, as `cachelane.lock` has it. */
export interface LockedVersion {
  /** Who offers it, whatever it is called here. */
  readonly namespace: string;
  readonly version: number;
  /** What its content comes to. */
  readonly digest: string;
}

/**
 * What a namespace offers. Nothing is asked before a method of it, or of its volumes, is called.
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
 *   console.log(error); // nobody calls a namespace my-org here, or it offers no pip-cache
 * }
 * ```
 */
export interface Catalog {
  /**
   * A volume by the name of its definition. The first call that asks something throws `E_CATALOG` where there is no such definition, which says what is called alike, or when it went and why. `warnings` of `info()` says that it is deprecated. Of tier `project` it is
   * in the namespace and scope that this session works in; of tier `catalog` it is where it is.
   */
  cacheVolume(name: string, options?: CatalogVolumeOptions): CacheVolume;
  /** What it offers: E_NOT_FOUND where it offers nothing. */
  info(options?: CallOptions): Promise<CatalogInfo>;
}

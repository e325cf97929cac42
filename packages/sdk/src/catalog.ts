import type { CacheVolume, VolumeOptions } from './cache-volume.ts';

/** The version of a catalog that code was written for, as cachelane.lock has it. */
export interface LockedVersion {
  readonly namespace: string;
  readonly version: number;
  /** What its content comes to. */
  readonly digest: string;
}

/** As for a volume by its key. What is left out is as its definition says, and `compat` is added to that. */
export type CatalogVolumeOptions = VolumeOptions;

/** What a namespace offers, see `Engine.catalog`. */
export interface EngineCatalog {
  /** A volume by what the catalog calls it; which one that is, whose, and by the rules of which tool, the catalog says. Asks for nothing yet; what it is asked first throws `E_CATALOG` for a name that is not offered. */
  cacheVolume(name: string, options?: CatalogVolumeOptions): CacheVolume;
}

import type { EngineCatalog, LockedVersion } from './catalog.ts';
import type { Connection } from './connection.ts';
import { openVolume, type Scoping } from './open-volume.ts';

interface CatalogNaming {
  readonly name: string;
  readonly locked: LockedVersion | undefined;
  /** Where volumes are that each project has for itself. */
  readonly scoping: Scoping;
}

export function openCatalog(connection: Connection, { name: called, locked, scoping }: CatalogNaming): EngineCatalog {
  const { namespace: catalog = called, version = null, digest = null } = locked ?? {};
  return {
    cacheVolume: (name, options = {}) =>
      openVolume(connection, { kind: 'definition', catalog, version, digest, name, scoping, options }),
  };
}

import type { Catalog, LockedVersion } from './catalog.ts';
import type { Connection } from '../connection/connection.ts';
import { catalog } from '../generated/operations.ts';
import { openVolume } from './open-volume.ts';
import type { Scoping } from './scoping.ts';

interface Offering {
  /** A namespace or an alias. */
  readonly named: string;
  /** Undefined: the current version. */
  readonly locked: LockedVersion | undefined;
  /** Where the consumer's own volumes are. */
  readonly scoping: Scoping;
}

export function openCatalog(connection: Connection, { named, locked, scoping }: Offering): Catalog {
  const naming =
    locked === undefined
      ? { offerer: named }
      : { offerer: locked.namespace, version: locked.version, digest: locked.digest };
  return {
    cacheVolume: (name, options = {}) =>
      openVolume(connection, { kind: 'offered', name, catalog: naming, scoping, options }),
    info: async ({ signal } = {}) => (await connection.ask(catalog, naming, signal)).catalog,
  };
}

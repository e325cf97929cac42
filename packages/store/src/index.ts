export { openSqliteMetadata } from './metadata/sqlite-metadata.ts';
export { type SqliteOptions } from './metadata/sqlite-database.ts';
export { openLeaseStore, type LeaseStoreOptions, type SweepingLeaseStore } from './leases/lease-store.ts';

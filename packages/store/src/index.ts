export { openSqliteMetadata } from './metadata/sqlite-metadata.ts';
export { type SqliteOptions } from './metadata/sqlite-database.ts';
export { openLayerFiles, type LayerFilesOptions } from './layers/layer-files.ts';
export { realFiles, type StoreFiles } from './layers/store-files.ts';
export { openLeaseStore, type LeaseStoreOptions, type SweepingLeaseStore } from './leases/lease-store.ts';
export { isBundle, readBundle, writeBundle, type BundlePart } from './wire/bundle-file.ts';
export { openMounters } from './mounters.ts';

export { openSqliteMetadata } from './metadata/sqlite-metadata.ts';
export { type SqliteOptions } from './metadata/sqlite-database.ts';

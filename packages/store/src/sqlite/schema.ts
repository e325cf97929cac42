import { tables } from './tables.ts';
import { triggers } from './triggers.ts';

/** `CLst` as a big-endian number. It distinguishes state.db from other SQLite files. */
export const applicationId = 0x43_4c_73_74;

/** `PRAGMA user_version` of a store. */
export const currentVersion = 1;

/** Makes an empty database a store (docs/reference/store-format.md). `golden/` holds a store of each version. */
export const schema: string = `${tables}${triggers}`;

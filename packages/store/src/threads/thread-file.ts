/** The file that every thread runs. The bundle replaces this URL (scripts/bundle.ts). */
export const threadFile: URL = new URL('entry/thread.ts', import.meta.url);

/** What every thread begins with; a bundle has it as a file of its own. */
export const threadFile: URL = new URL('thread.ts', import.meta.url);

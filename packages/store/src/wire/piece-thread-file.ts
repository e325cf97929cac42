/** What a thread begins with; a bundle has it as a file of its own. */
export const pieceThreadFile: URL = new URL('piece-thread.ts', import.meta.url);

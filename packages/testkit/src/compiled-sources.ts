import { fileURLToPath } from 'node:url';

/**
 * For the environment of a process that runs our sources: what Node makes of them is the same for all, and takes longer than the
 * rest of a start.
 */
export const compiledSources: Readonly<Record<'NODE_COMPILE_CACHE', string>> = {
  NODE_COMPILE_CACHE: fileURLToPath(new URL('../../../.build/compiled', import.meta.url)),
};

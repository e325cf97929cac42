import { fileURLToPath } from 'node:url';

/** Environment for processes that run the sources: they share compiled code, which would take longer than the rest of a start. */
export const compiledSources: Readonly<Record<'NODE_COMPILE_CACHE', string>> = {
  NODE_COMPILE_CACHE: fileURLToPath(new URL('../../../.build/compiled', import.meta.url)),
};

export { requireCommands } from './require-commands.ts';
export * from './arbitraries/layers.ts';
export * from './layers/arbitrary-entries.ts';

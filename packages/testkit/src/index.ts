export { requireCommands } from './require-commands.ts';

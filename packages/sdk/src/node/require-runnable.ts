import { CachelaneError } from '../errors/errors.ts';

/** What the compiler says to whoever has one. Errors: E_USAGE. */
export function requireRunnable(command: unknown): void {
  if (Array.isArray(command) && command.every((word) => typeof word === 'string') && command.length > 0) {
    if (command[0] !== '') return;
    throw new CachelaneError('E_USAGE', 'there is no command to run: its name is empty');
  }
  const what = Array.isArray(command) && command.length === 0 ? 'there is no command to run' : 'this is no command';
  throw new CachelaneError('E_USAGE', what, { hint: "it is the list of its words: run(['npm', 'ci'])" });
}

import { CachelaneError } from '../errors/errors.ts';

/** Checks the type for programs without a compiler. Errors: E_USAGE. */
export function requireRunnable(command: unknown): void {
  if (Array.isArray(command) && command.every((word) => typeof word === 'string') && command.length > 0) {
    if (command[0] !== '') return;
    throw new CachelaneError('E_USAGE', 'the name of the command is empty');
  }
  const what =
    Array.isArray(command) && command.length === 0 ? 'the command is empty' : 'the command is not a list of strings';
  throw new CachelaneError('E_USAGE', what, { hint: "pass its words as a list: run(['npm', 'ci'])" });
}

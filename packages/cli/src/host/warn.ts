import { printable } from '../base/format.ts';
import type { Host } from './host.ts';

/** Prints a warning. Escapes it, since parts may come from a remote or the environment. */
export function warn({ stderr }: Pick<Host, 'stderr'>, message: string): void {
  stderr.write(`cachelane: warning: ${printable(message)}\n`);
}

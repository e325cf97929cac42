import { CachelaneError } from '@cachelane/core';
import { printable } from './format.ts';

/** Returns the text of an error for the user: message and hint; for a bug, also the stack. */
export function errorText(error: unknown): string {
  if (error instanceof CachelaneError && error.code !== 'E_INTERNAL') {
    const hint = error.hint === undefined ? '' : `  ${printable(error.hint)}\n`;
    return `cachelane: ${printable(error.message)}\n${hint}`;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `cachelane: this is a bug in cachelane: ${text.split('\n').map(printable).join('\n')}\n`;
}

import { printable } from '../base/format.ts';
import type { Host } from './host.ts';

/** For a person. What it tells of may come from a remote, or from an environment. */
export function warn({ stderr }: Pick<Host, 'stderr'>, message: string): void {
  stderr.write(`cachelane: warning: ${printable(message)}\n`);
}

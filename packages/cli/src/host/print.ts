import type { Host } from './host.ts';

/** Prints a command's answer for programs. */
export function printJson(host: Host, value: unknown): void {
  host.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** Shortens an id or digest; `inspect` accepts it. */
export function shortId(id: string): string {
  return id.slice(0, 12);
}

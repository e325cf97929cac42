import type { Host } from './host.ts';

/** The answer of a command, for programs. */
export function printJson(host: Host, value: unknown): void {
  host.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** Enough of an id or digest to recognise it by; `inspect` takes it back. */
export function shortId(id: string): string {
  return id.slice(0, 12);
}

const units = ['kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** Returns `0 B`, `823 B`, `4.1 MB`, `12 GB`, in decimal units. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  let value = bytes;
  let unit = -1;
  do {
    value /= 1000;
    unit += 1;
  } while (value >= 999.5 && unit < units.length - 1);
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${units[unit] ?? ''}`;
}

/** Returns `12 ms`, `1.4 s`, `2 min 5 s`, `10 min`. */
export function formatDuration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  const minutes = `${Math.floor(seconds / 60)} min`;
  return seconds % 60 === 0 ? minutes : `${minutes} ${seconds % 60} s`;
}

/** Returns `2026-11-24 14:39:05Z`, which sorts as text. */
export function formatTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')}Z`;
}

export function plural(count: number, one: string, many: string = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

export interface Column {
  readonly title: string;
  readonly align?: 'right';
}

/** Returns aligned columns under a header, separated by two spaces, without trailing spaces. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const lines = [columns.map((column) => column.title), ...rows.map((row) => row.map(printable))];
  // A spread would exceed the argument limit, since layers have many entries.
  const widths = columns.map((_, index) =>
    lines.reduce((widest, line) => Math.max(widest, width(line[index] ?? '')), 0),
  );
  return lines
    .map((line) => {
      const cells = columns.map((column, index) => {
        const text = line[index] ?? '';
        const padding = ' '.repeat((widths[index] ?? 0) - width(text));
        return column.align === 'right' ? padding + text : text + padding;
      });
      return `${cells.join('  ').trimEnd()}\n`;
    })
    .join('');
}

/** Returns `name:  value` lines with aligned values. */
export function formatFields(fields: readonly (readonly [string, string])[]): string {
  const longest = Math.max(...fields.map(([name]) => name.length));
  return (
    fields.map(([name, value]) => `${`${name}:`.padEnd(longest + 3)}${printable(value)}`.trimEnd()).join('\n') + '\n'
  );
}

/** Counts characters, not bytes or surrogates. */
function width(text: string): number {
  return [...text].length;
}

// oxlint-disable-next-line no-control-regex -- these must not reach a terminal or a log
const unprintable = /[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g;

/** Escapes characters that could move the cursor, forge a line or reorder words. */
export function printable(text: string): string {
  return text.replace(unprintable, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

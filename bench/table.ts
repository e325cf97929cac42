import { ratioOf, type Sample, type Summary } from './statistics.ts';

export interface Row {
  readonly what: string;
  readonly volume: string;
  readonly measured: string;
  /** The peer and its figure. */
  readonly peer?: string;
  readonly ratio?: string;
  /** The promised limit. Without one, the row is informative. */
  readonly bar?: { readonly text: string; readonly met: boolean };
}

export interface Section {
  readonly title: string;
  readonly rows: readonly Row[];
}

export function milliseconds({ median, min, max }: Summary): string {
  return `${duration(median)} (${duration(min)} to ${duration(max)})`;
}

function duration(ms: number): string {
  if (Math.abs(ms) >= 10_000) return `${(ms / 1000).toFixed(1)} s`;
  if (Math.abs(ms) >= 1000) return `${(ms / 1000).toFixed(2)} s`;
  return `${ms.toFixed(Math.abs(ms) < 10 ? 1 : 0)} ms`;
}

/** Returns how many times faster than the peer. */
export function timesFaster(peer: Summary, own: Summary): string {
  return `${rounded(peer.median / own.median)}x`;
}

export function rounded(value: number): string {
  return value.toFixed(value < 10 ? 2 : 0);
}

export function atMost(limit: number, unit: string, { median }: Summary): NonNullable<Row['bar']> {
  return { text: `<= ${limit} ${unit}`, met: median <= limit };
}

export function atLeastTimes(limit: number, peer: Summary, own: Summary): NonNullable<Row['bar']> {
  return { text: `>= ${limit}x`, met: peer.median / own.median >= limit };
}

/** Computed per round, because the medians of two columns do not give it. */
export function atMostOfPeer(
  limit: number,
  {
    own,
    peer,
    metric = 'ms',
  }: { readonly own: readonly Sample[]; readonly peer: readonly Sample[]; readonly metric?: string },
): NonNullable<Row['bar']> {
  const { median } = ratioOf(own, peer, metric);
  return { text: `${median.toFixed(limit < 0.1 ? 3 : 2)} <= ${limit.toFixed(2)} of the peer`, met: median <= limit };
}

const header = ['what', 'volume', 'Cachelane', 'peer', 'times faster', 'bar', ''];

/** Returns a table with padded columns, for terminals and for the repository's formatter. */
function markdownTable(rows: readonly Row[]): string {
  const cells = rows.map(({ what, volume, measured, peer = '', ratio = '', bar }) => [
    what,
    volume,
    measured,
    peer,
    ratio,
    bar?.text ?? '',
    bar === undefined ? '' : bar.met ? 'ok' : '**miss**',
  ]);
  const widths = header.map((name, column) =>
    Math.max(3, name.length, ...cells.map((line) => line[column]?.length ?? 0)),
  );
  const line = (values: readonly string[]): string =>
    `| ${values.map((value, column) => value.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(header), line(widths.map((width) => '-'.repeat(width))), ...cells.map(line)].join('\n');
}

/** Returns the sections with medians only. Ranges would make the page's rows too wide. */
export function markdownSections(sections: readonly Section[]): string {
  const text = sections.map(({ title, rows }) => `### ${title}\n\n${markdownTable(rows)}\n`).join('\n');
  return text.replaceAll(/ \([^()|]* to [^()|]*\)/g, '');
}

const begin = '<!-- bench:begin (npm run bench -- --write) -->';
const end = '<!-- bench:end -->';

/** Replaces the text between the markers of the document. */
export function replaceMarked(document: string, text: string): string {
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  if (from < 0 || to < from) throw new Error(`the document has no markers ${begin} and ${end}`);
  return `${document.slice(0, from + begin.length)}\n\n${text.trim()}\n\n${document.slice(to)}`;
}

import { CachelaneError, didYouMean } from '@cachelane/core';
import { isAlias, isMap, isScalar, LineCounter, parseDocument, type Document, type Node, type Pair } from 'yaml';
import type { Located } from './config-types.ts';

// Reads nodes by hand instead of by a schema library, so that each problem has a line, a column and a reason.

const problemsShown = 5;

export interface Reader {
  /** Name of the file in messages. */
  readonly fileName: string;
  readonly document: Document;
  readonly counter: LineCounter;
  readonly problems: string[];
  readonly warnings: string[];
}

/** Returns the result of `readRoot`. Throws E_CONFIG with every problem of it and the parser. */
export function readYaml<T>(text: string, fileName: string, readRoot: (reader: Reader) => T): T {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false, keepSourceTokens: false });
  const reader: Reader = { fileName, document, counter, problems: [], warnings: [] };
  for (const error of document.errors) problem(reader, error.pos[0], error.message);
  // The rest of an invalid document may not mean what the author wrote.
  const read = document.errors.length > 0 ? null : { value: readRoot(reader) };
  if (read !== null && reader.problems.length === 0) return read.value;
  throw broken(reader);
}

function broken({ fileName, problems }: Reader): CachelaneError {
  const shown = problems.slice(0, problemsShown).join('; ');
  const more = problems.length > problemsShown ? `; and ${problems.length - problemsShown} more` : '';
  return new CachelaneError('E_CONFIG', shown + more, { hint: `fix ${fileName}` });
}

export interface Field {
  readonly key: string;
  /** With aliases resolved. */
  readonly value: Node | null;
  /** Offset of the key. */
  readonly at: number;
}

/** Returns the fields of a mapping. A missing node is an empty mapping. */
export function fields(reader: Reader, node: Node | null, what: string): readonly Field[] {
  const map = follow(reader, node);
  if (map === null || (isScalar(map) && map.value === null)) return [];
  if (!isMap(map)) {
    problem(reader, offset(map), `${what} must be a mapping (key: value)`);
    return [];
  }
  return (map.items as Pair<Node, Node | null>[]).flatMap((pair) => {
    const key = follow(reader, pair.key);
    const at = offset(pair.key);
    if (isScalar(key) && typeof key.value === 'string')
      return [{ key: key.value, value: follow(reader, pair.value), at }];
    // A compat field may be named by a number.
    if (isScalar(key) && key.source !== undefined) return [{ key: key.source, value: follow(reader, pair.value), at }];
    problem(reader, at, 'a key must be text');
    return [];
  });
}

export function follow(reader: Reader, node: Node | null): Node | null {
  return isAlias(node) ? (node.resolve(reader.document) ?? null) : node;
}

/** Reads one of several words, in any case. `otherwise` describes the default. */
export function readChoice<T extends string>(
  reader: Reader,
  { key, value, at }: Field,
  choices: readonly T[],
  otherwise = 'the default of the tool',
): T | null {
  const wanted = `${key} must be one of ${choices.join(', ')}`;
  if (value === null || (isScalar(value) && (value.value === null || value.value === ''))) {
    problem(reader, at, `${wanted} but has no value; the default is ${otherwise}`);
    return null;
  }
  if (!isScalar(value)) {
    problem(reader, offset(value), `${wanted} as a single word`);
    return null;
  }
  const text = typeof value.value === 'string' ? value.value : (value.source ?? '');
  const chosen = choices.find((each) => each.toLowerCase() === text.toLowerCase());
  if (chosen === undefined) problem(reader, offset(value), `${wanted}, not ${JSON.stringify(text)}`);
  return chosen ?? null;
}

export interface Placed {
  readonly value: string;
  readonly line: number;
  readonly at: number;
}

/** Reads text. Numbers and booleans stay as written (`1.10`). */
export function readText(reader: Reader, node: Node | null, keyAt: number, what: string): Placed | null {
  const at = node === null ? keyAt : offset(node);
  if (isScalar(node) && node.value !== null && node.value !== '') {
    const value = typeof node.value === 'string' ? node.value : (node.source ?? '');
    return { value, line: lineOf(reader, at), at };
  }
  problem(reader, at, `${what} must be text`);
  return null;
}

export function located(text: Placed | null): Located<string> | null {
  return text === null ? null : { value: text.value, line: text.line };
}

export function guarded<T>(reader: Reader, text: Placed, parse: (text: string) => T): Located<T> | null {
  try {
    return { value: parse(text.value), line: text.line };
  } catch (error) {
    if (!(error instanceof CachelaneError)) throw error;
    problem(reader, text.at, error.hint === undefined ? error.message : `${error.message} (${error.hint})`);
    return null;
  }
}

export function unknownKey(reader: Reader, field: Field, known: readonly string[]): void {
  problem(reader, field.at, `unknown key ${JSON.stringify(field.key)}${didYouMean(field.key, known)}`);
}

export function problem(reader: Reader, at: number, why: string): void {
  reader.problems.push(`${where(reader, at)} ${why}`);
}

export function where(reader: Reader, at: number): string {
  const { line, col } = reader.counter.linePos(at);
  return `${reader.fileName}:${line}:${col}:`;
}

export function lineOf(reader: Reader, at: number): number {
  return reader.counter.linePos(at).line;
}

function offset(node: Node | null): number {
  return node?.range?.[0] ?? 0;
}

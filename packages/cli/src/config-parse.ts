import {
  sharingModes,
  syncChoices,
  type SharingMode,
  type Sync,
  canonicalCompat,
  CachelaneError,
  configFileName,
  limits,
  parseNamespace,
  parseVolumeName,
  type Namespace,
} from '@cachelane/core';
import { commitPolicies, type CommitPolicy } from '@cachelane/engine';
import { dirname } from 'node:path';
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node, type Pair } from 'yaml';
import { type Config, type ConfigVolume, type Located } from './config.ts';
import { didYouMean } from './suggest.ts';

// By hand over the nodes instead of a schema library: each problem is told with its line, its column and the reason.

const problemsShown = 5;

/** Said only where that changes how much is shared or how long it lives, never who gets to see what. */
const ignored = 'is not supported by this version, ignored';

interface Reader {
  readonly document: Document;
  readonly counter: LineCounter;
  readonly problems: string[];
  readonly warnings: string[];
}

export function parseConfig(text: string, path: string): Config {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false, keepSourceTokens: false });
  const reader: Reader = { document, counter, problems: [], warnings: [] };
  for (const error of document.errors) problem(reader, error.pos[0], error.message);
  // Half of a file that does not parse would be read as something that nobody wrote.
  const config = document.errors.length > 0 ? null : readRoot(reader, path);
  if (config !== null && reader.problems.length === 0) return config;
  throw brokenConfig(reader.problems);
}

function brokenConfig(problems: readonly string[]): CachelaneError {
  const shown = problems.slice(0, problemsShown).join('; ');
  const more = problems.length > problemsShown ? `; and ${problems.length - problemsShown} more` : '';
  return new CachelaneError('E_CONFIG', shown + more, { hint: `mend ${configFileName}` });
}

function readRoot(reader: Reader, path: string): Config {
  let namespace: Located<Namespace> | null = null;
  let parents: readonly Located<Namespace>[] | null = null;
  let volumes: readonly ConfigVolume[] | null = null;
  const root = reader.document.contents;
  for (const field of fields(reader, root, 'the file')) {
    switch (field.key) {
      case 'namespace':
        namespace = readNamespace(reader, field.value, field.at);
        break;
      case 'parents':
        parents = readParents(reader, field);
        break;
      case 'volumes':
        volumes = readVolumes(reader, field);
        break;
      case 'policy':
        // No hub, no siblings and no promotion in this version: there is nothing that a policy could forbid.
        unsupported(reader, field, ignored);
        break;
      default:
        unknownKey(reader, field, ['namespace', 'parents', 'volumes']);
    }
  }
  return { path, projectDir: dirname(path), namespace, parents, volumes, warnings: reader.warnings };
}

interface Field {
  readonly key: string;
  /** Aliases are followed. */
  readonly value: Node | null;
  /** Offset of the key. */
  readonly at: number;
}

/** The fields of a mapping; nothing at all counts as an empty one. */
function fields(reader: Reader, node: Node | null, what: string): readonly Field[] {
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
    // A plain number is a fine name of a compat field.
    if (isScalar(key) && key.source !== undefined) return [{ key: key.source, value: follow(reader, pair.value), at }];
    problem(reader, at, 'a key must be text');
    return [];
  });
}

function follow(reader: Reader, node: Node | null): Node | null {
  return isAlias(node) ? (node.resolve(reader.document) ?? null) : node;
}

function readNamespace(reader: Reader, node: Node | null, at: number): Located<Namespace> | null {
  const text = readText(reader, node, at, 'a namespace');
  if (text === null) return null;
  return guarded(reader, text, (namespace) => parseNamespace(namespace));
}

function readParents(reader: Reader, field: Field): readonly Located<Namespace>[] | null {
  if (!isSeq(field.value)) {
    problem(reader, field.at, 'parents must be a list of namespaces');
    return null;
  }
  if (field.value.items.length > limits.namespaceParents) {
    problem(reader, field.at, `there are ${field.value.items.length} parents, at most ${limits.namespaceParents}`);
  }
  return field.value.items.flatMap((item) => {
    const parent = readNamespace(reader, follow(reader, item as Node), field.at);
    return parent === null ? [] : [parent];
  });
}

function readVolumes(reader: Reader, field: Field): readonly ConfigVolume[] {
  const volumes = fields(reader, field.value, 'volumes').flatMap((volume) => {
    const read = readVolume(reader, volume);
    return read === null ? [] : [read];
  });
  if (volumes.length > limits.volumesPerRun) {
    problem(reader, field.at, `there are ${volumes.length} volumes, at most ${limits.volumesPerRun}`);
  }
  return volumes;
}

function readVolume(reader: Reader, field: Field): ConfigVolume | null {
  const name = guarded(reader, { value: field.key, line: lineOf(reader, field.at), at: field.at }, parseVolumeName);
  let tool: Located<string> | null = null;
  let path: Located<string> | null = null;
  let sharing: SharingMode | null = null;
  let commit: CommitPolicy | null = null;
  let sync: Sync | null = null;
  let compat: Readonly<Record<string, string>> = {};
  for (const part of fields(reader, field.value, `the volume ${field.key}`)) {
    switch (part.key) {
      case 'tool':
        tool = located(readText(reader, part.value, part.at, 'a tool'));
        break;
      case 'path':
        path = readPath(reader, part);
        break;
      case 'compat':
        compat = readCompat(reader, part);
        break;
      case 'sharing':
        sharing = readChoice(reader, part, sharingModes, ', mostly PRIVATE');
        break;
      case 'commit':
        commit = readChoice(reader, part, commitPolicies);
        break;
      case 'sync':
        sync = readChoice(reader, part, syncChoices);
        break;
      case 'provider':
        readProvider(reader, part);
        break;
      case 'visibility':
        readVisibility(reader, part);
        break;
      case 'owner':
      case 'seed':
        unsupported(reader, part, ignored);
        break;
      default:
        unknownKey(reader, part, ['tool', 'path', 'compat', 'sharing', 'commit', 'sync']);
    }
  }
  return name === null ? null : { name: name.value, tool, path, sharing, commit, sync, compat, line: name.line };
}

/** The file may choose a place inside the project or below the user's home, and reaches no further. */
function readPath(reader: Reader, field: Field): Located<string> | null {
  const text = readText(reader, field.value, field.at, 'a path');
  if (text === null) return null;
  const refuse = (why: string): null => {
    problem(reader, text.at, `path ${JSON.stringify(text.value)} ${why}`);
    return null;
  };
  if (text.value.startsWith('/')) {
    return refuse(
      'is absolute: a file in the repository may only name places in the project (cache) or below the home directory (~/.cache/name); any other place is for -v NAME:PATH',
    );
  }
  const segments = text.value.split('/').filter((segment) => segment !== '' && segment !== '.');
  if (segments.includes('..')) return refuse('must not contain ".."');
  if (text.value.includes('\0')) return refuse('must not contain a NUL byte');
  if (segments[0]?.startsWith('~') === true && segments[0] !== '~') return refuse("names another user's home");
  if (segments.includes('.git')) return refuse("is git's own, a volume there would hide the repository from it");
  if (segments.length === 0) return refuse('is the project itself, a volume there would hide it');
  if (segments.length === 1 && segments[0] === '~')
    return refuse('is the home directory, a volume there would hide it');
  return located(text);
}

function readCompat(reader: Reader, field: Field): Readonly<Record<string, string>> {
  const compat: Record<string, string> = {};
  const parts = fields(reader, field.value, 'compat');
  if (parts.length > limits.compatFields) {
    problem(reader, field.at, `compat has ${parts.length} fields, at most ${limits.compatFields}`);
  }
  for (const part of parts) {
    const value = readText(reader, part.value, part.at, `compat.${part.key}`);
    if (value === null) continue;
    // One field at a time, so that the line of the wrong one is told.
    const field = guarded(reader, value, (text) => canonicalCompat({ [part.key]: text }));
    Object.assign(compat, field?.value);
  }
  return compat;
}

/** One of several words, in whatever case. `usually`: what it mostly is where nothing is said. */
function readChoice<T extends string>(
  reader: Reader,
  { key, value, at }: Field,
  choices: readonly T[],
  usually = '',
): T | null {
  const wanted = `${key} is one of ${choices.join(', ')}`;
  if (value === null || (isScalar(value) && (value.value === null || value.value === ''))) {
    problem(reader, at, `${wanted}, and has no value here; without the key it is as suits the tool${usually}`);
    return null;
  }
  if (!isScalar(value)) {
    problem(reader, offset(value), `${wanted}, a single word`);
    return null;
  }
  const text = typeof value.value === 'string' ? value.value : (value.source ?? '');
  const chosen = choices.find((each) => each.toLowerCase() === text.toLowerCase());
  if (chosen === undefined) problem(reader, offset(value), `${wanted}, not ${JSON.stringify(text)}`);
  return chosen ?? null;
}

function readProvider(reader: Reader, field: Field): void {
  const text = readText(reader, field.value, field.at, 'a provider');
  if (text === null || text.value === 'project' || text.value === 'project:') return;
  if (text.value.startsWith('catalog:')) {
    unsupported(reader, { ...field, key: `provider ${text.value}` }, `${ignored}: the project's own volume is used`);
  } else if (/^none:?$/.test(text.value)) {
    problem(
      reader,
      text.at,
      'provider none is not supported by this version: the volume would be kept though it was to be none; remove the volume instead',
    );
  } else {
    problem(
      reader,
      text.at,
      `provider ${JSON.stringify(text.value)} is not for a file in the repository to choose, which may name project, catalog and none`,
    );
  }
}

function readVisibility(reader: Reader, field: Field): void {
  const text = readText(reader, field.value, field.at, 'visibility');
  if (text === null || text.value === 'public') return;
  problem(
    reader,
    text.at,
    `visibility ${text.value} is not supported by this version: the volume would be readable by untrusted runs`,
  );
}

interface Placed {
  readonly value: string;
  readonly line: number;
  readonly at: number;
}

/** Text; numbers and booleans as they are written (`1.10` stays `1.10`). */
function readText(reader: Reader, node: Node | null, keyAt: number, what: string): Placed | null {
  const at = node === null ? keyAt : offset(node);
  if (isScalar(node) && node.value !== null && node.value !== '') {
    const value = typeof node.value === 'string' ? node.value : (node.source ?? '');
    return { value, line: lineOf(reader, at), at };
  }
  problem(reader, at, `${what} must be text`);
  return null;
}

function located(text: Placed | null): Located<string> | null {
  return text === null ? null : { value: text.value, line: text.line };
}

function guarded<T>(reader: Reader, text: Placed, parse: (text: string) => T): Located<T> | null {
  try {
    return { value: parse(text.value), line: text.line };
  } catch (error) {
    if (!(error instanceof CachelaneError)) throw error;
    problem(reader, text.at, error.hint === undefined ? error.message : `${error.message} (${error.hint})`);
    return null;
  }
}

function unknownKey(reader: Reader, field: Field, known: readonly string[]): void {
  problem(reader, field.at, `unknown key ${JSON.stringify(field.key)}${didYouMean(field.key, known)}`);
}

function unsupported(reader: Reader, field: Field, why: string): void {
  reader.warnings.push(`${where(reader, field.at)} ${field.key} ${why}`);
}

function problem(reader: Reader, at: number, why: string): void {
  reader.problems.push(`${where(reader, at)} ${why}`);
}

function where(reader: Reader, at: number): string {
  const { line, col } = reader.counter.linePos(at);
  return `${configFileName}:${line}:${col}:`;
}

function lineOf(reader: Reader, at: number): number {
  return reader.counter.linePos(at).line;
}

function offset(node: Node | null): number {
  return node?.range?.[0] ?? 0;
}

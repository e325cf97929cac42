import { CachelaneError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';

/**
 * A path inside a volume: relative, `/`-separated, without empty, `.` or `..` segments. File names are bytes, so each
 * character stands for one byte (latin1): `<` gives byte order, map keys are exact, and names that are not UTF-8 lose
 * nothing. The root is the empty string.
 */
export type BytePath = string & { readonly __bytePath: unique symbol };

export const rootPath = '' as BytePath;

/** Parses bytes from outside (a directory listing, an index). Throws E_LAYER_REFUSED for an invalid path. */
export function parseBytePath(latin1: string): BytePath {
  if (latin1 === '') return rootPath;
  if (latin1.length > limits.pathBytes) throw refuse(latin1, `longer than ${limits.pathBytes} bytes`);
  for (const segment of latin1.split('/')) {
    if (segment === '' || segment === '.' || segment === '..') throw refuse(latin1, 'empty, "." or ".." segment');
    if (segment.length > limits.fileNameBytes) throw refuse(latin1, `a name over ${limits.fileNameBytes} bytes`);
    if (segment.includes('\0')) throw refuse(latin1, 'a NUL byte');
  }
  return latin1 as BytePath;
}

function refuse(path: string, why: string): CachelaneError {
  return new CachelaneError('E_LAYER_REFUSED', `path ${JSON.stringify(path.slice(0, 200))} is refused: ${why}`);
}

/** Returns the path of a child. `name` must be a valid file name. */
export function childPath(parent: BytePath, name: string): BytePath {
  return (parent === '' ? name : `${parent}/${name}`) as BytePath;
}

/** Returns the parent directory; the root's parent is the root. */
export function parentPath(path: BytePath): BytePath {
  const slash = path.lastIndexOf('/');
  return (slash < 0 ? '' : path.slice(0, slash)) as BytePath;
}

export function baseName(path: BytePath): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Returns whether `path` is strictly below `ancestor`. */
export function isBelow(path: BytePath, ancestor: BytePath): boolean {
  return ancestor === ''
    ? path !== ''
    : path.length > ancestor.length && path[ancestor.length] === '/' && path.startsWith(ancestor);
}

/** Returns strict ancestors, nearest first, without the root. */
export function* ancestors(path: BytePath): Generator<BytePath> {
  for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
    yield path.slice(0, slash) as BytePath;
  }
}

/** Compares in byte order, the order of a layer's index. */
export function comparePaths(a: BytePath, b: BytePath): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Returns the path for display and JSON: text if the bytes are UTF-8, otherwise `\xNN` for each unusual byte. */
export function displayPath(path: BytePath): string {
  // oxlint-disable-next-line no-control-regex -- a printable ASCII path is its own display form
  if (/^[\x20-\x7e]*$/.test(path)) return path;
  const bytes = Uint8Array.from(path, (c) => c.charCodeAt(0));
  try {
    return escapeControls(utf8.decode(bytes));
  } catch {
    return escapeControls(path).replace(/[\x80-\xff]/g, (c) => `\\x${c.charCodeAt(0).toString(16)}`);
  }
}

function escapeControls(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters in a file name must not reach a terminal
  return text.replace(/[\x00-\x1f\x7f]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

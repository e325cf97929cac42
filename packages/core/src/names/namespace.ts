import { CachelaneError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { ignoresCase, lowerAscii, lowerEscaped } from './letter-case.ts';
import { redactUrl } from './remote-url.ts';
import { remoteSegments } from './remote-segments.ts';
import { escapeSegment, isEscapedSegment, percentDecode, shortenEscaped, withHash } from './segment.ts';

/** Canonical namespace path: `github.com/acme/web`. */
export type Namespace = string & { readonly __namespace: unique symbol };

/**
 * Parses a given name. Canonical: 1 to 24 segments of 1 to 128 bytes, at most 1,024 bytes, each segment as
 * `escapeSegment` writes it; host, owner and repository in lower case if the host ignores case. Throws E_NAMESPACE
 * with the `source` of the text, such as `--namespace`, and the canonical spelling as hint.
 */
export function parseNamespace(text: string, source = 'namespace'): Namespace {
  const problem = problemOf(text);
  if (problem === null) return text as Namespace;
  throw new CachelaneError('E_NAMESPACE', `${source}: ${shown(text)} ${problem}`, { hint: hintFor(text) });
}

function problemOf(text: string): string | null {
  if (text === '') return 'is empty';
  const segments = text.split('/');
  if (segments.some((segment) => segment === '')) return 'has an empty segment';
  if (segments.some((segment) => segment === '.' || segment === '..')) return 'has a "." or ".." segment';
  if (!segments.every(isEscapedSegment)) return 'is not a canonical namespace';
  if (segments.some((segment) => segment.length > limits.namespaceSegmentBytes)) {
    return `has a segment over ${limits.namespaceSegmentBytes} bytes`;
  }
  if (segments.length > limits.namespaceSegments) return `has more than ${limits.namespaceSegments} segments`;
  if (text.length > limits.namespaceBytes) return `is over ${limits.namespaceBytes} bytes`;
  const folded = foldCase(segments);
  return folded.some((segment, index) => segment !== segments[index])
    ? 'has upper case where the host ignores it'
    : null;
}

/** Returns typed text for an error: it may be very long, or a remote with a password. */
function shown(text: string): string {
  return JSON.stringify(redactUrl(text).slice(0, 200));
}

function hintFor(text: string): string {
  const trimmed = text.trim();
  const isRemote = /^[^/]*:/.test(trimmed);
  const segments = isRemote ? remoteSegments(trimmed) : plainSegments(trimmed);
  return segments.length === 0
    ? 'a namespace looks like this: github.com/acme/web'
    : `write it like this: ${joinSegments(segments)}`;
}

function plainSegments(text: string): readonly string[] {
  const segments: string[] = [];
  for (const segment of text.split('/')) {
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(escapeSegment(percentDecode(segment)));
  }
  return segments;
}

/**
 * Returns the namespace of plain-text segments: escapes, folds case for hosts that ignore it, shortens, and drops
 * empty segments. Throws E_NAMESPACE if nothing is left.
 */
export function canonicalNamespace(...segments: readonly string[]): Namespace {
  return joinSegments(segments.map(escapeSegment));
}

/** Returns the namespace inside `parent` for plain-text segments: `childNamespace(web, 'services', 'api')`. */
export function childNamespace(parent: Namespace, ...segments: readonly string[]): Namespace {
  return joinSegments([...parent.split('/'), ...segments.map(escapeSegment)]);
}

/** Prefix of a scope's first segment. Directory names have no slash, so no project can have such a name. */
const scopeMark = 'scope/';

/**
 * Returns the namespace for volumes of a library or other part inside a project. `names` are plain text, outermost
 * first; without names it is the project's own.
 */
export function scopeNamespace(project: Namespace, names: readonly string[]): Namespace {
  const filled = names.filter((name) => name !== '');
  const [first, ...inner] = filled;
  if (first === undefined) return project;
  const scope = childNamespace(project, `${scopeMark}${first}`, ...inner);
  // If too deep for separate segments, join the names into one.
  return isScopeOf(project, scope) ? scope : childNamespace(project, `${scopeMark}${filled.join('/')}`);
}

export function isScopeOf(project: Namespace, namespace: Namespace): boolean {
  return namespace.startsWith(`${project}/${escapeSegment(scopeMark)}`);
}

/** Does the same as {@link canonicalNamespace} for escaped segments. */
export function joinSegments(escaped: readonly string[]): Namespace {
  const filled = escaped.filter((segment) => segment !== '');
  if (filled.length === 0) throw new CachelaneError('E_NAMESPACE', 'a namespace needs at least one segment');
  const segments = foldCase(filled).map((segment) => shortenEscaped(segment, limits.namespaceSegmentBytes));
  const whole = segments.join('/');
  if (segments.length <= limits.namespaceSegments && whole.length <= limits.namespaceBytes) return whole as Namespace;
  return withShortTail(segments) as Namespace;
}

/** Keeps as many leading segments as fit, so that parents stay parents, then the last name with a hash of the rest. */
function withShortTail(segments: readonly string[]): string {
  const last = segments.at(-1) ?? '';
  for (let kept = Math.min(limits.namespaceSegments, segments.length) - 1; kept > 0; kept--) {
    const rest = segments.slice(kept).join('/');
    const short = [...segments.slice(0, kept), withHash(last, rest, limits.namespaceSegmentBytes)].join('/');
    if (short.length <= limits.namespaceBytes) return short;
  }
  return withHash(last, segments.join('/'), limits.namespaceSegmentBytes);
}

/** Returns host, owner and repository in lower case; deeper segments are paths in a repository, where case counts. */
function foldCase(segments: readonly string[]): readonly string[] {
  const host = lowerAscii(segments[0] ?? '');
  if (!ignoresCase(host)) return segments;
  return segments.map((segment, index) => (index < 3 ? lowerEscaped(segment) : segment));
}

/** Returns the path prefixes of a namespace, nearest first. */
export function namespaceParents(namespace: Namespace): readonly Namespace[] {
  const parents: Namespace[] = [];
  for (let slash = namespace.lastIndexOf('/'); slash > 0; slash = namespace.lastIndexOf('/', slash - 1)) {
    if (parents.length === limits.namespaceParents) break;
    parents.push(namespace.slice(0, slash) as Namespace);
  }
  return parents;
}

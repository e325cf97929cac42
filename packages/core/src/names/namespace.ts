import { CachelaneError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { ignoresCase, lowerAscii, lowerEscaped } from './letter-case.ts';
import { redactUrl } from './remote-url.ts';
import { remoteSegments } from './remote-segments.ts';
import { escapeSegment, isEscapedSegment, percentDecode, shortenEscaped, withHash } from './segment.ts';

/** Canonical namespace path, `github.com/acme/web`. */
export type Namespace = string & { readonly __namespace: unique symbol };

/**
 * Parses a name that a person or a file gave. Canonical: 1 to 24 segments of 1 to 128 bytes, 1,024 bytes in all, each
 * segment as `escapeSegment` writes it; host, owner and repository in lower case where the host ignores case.
 * Throws E_NAMESPACE; the hint offers the canonical spelling. `source` says who gave it: `--namespace`.
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

/** What an error may show of a text that somebody typed: it may be a remote with a password in it, or very long. */
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
 * The namespace of a path given as plain text, one argument a segment: escapes, folds case for the hosts that ignore
 * it, shortens what is over the limits. Empty segments are left out; throws E_NAMESPACE when nothing is left.
 */
export function canonicalNamespace(...segments: readonly string[]): Namespace {
  return joinSegments(segments.map(escapeSegment));
}

/** The namespace of something inside `parent`: `childNamespace(web, 'services', 'api')`. Segments are plain text. */
export function childNamespace(parent: Namespace, ...segments: readonly string[]): Namespace {
  return joinSegments([...parent.split('/'), ...segments.map(escapeSegment)]);
}

/** Begins the first segment of a scope. No directory has a slash in its name, so no project below another one is called like that. */
const scopeMark = 'scope/';

/** The namespace of whoever wants volumes of its own inside a project, such as a library. `names` are plain text, outermost first; without any it is the project's own. */
export function scopeNamespace(project: Namespace, names: readonly string[]): Namespace {
  const filled = names.filter((name) => name !== '');
  const [first, ...inner] = filled;
  if (first === undefined) return project;
  const scope = childNamespace(project, `${scopeMark}${first}`, ...inner);
  // What is too deep for so many segments may still have one.
  return isScopeOf(project, scope) ? scope : childNamespace(project, `${scopeMark}${filled.join('/')}`);
}

export function isScopeOf(project: Namespace, namespace: Namespace): boolean {
  return namespace.startsWith(`${project}/${escapeSegment(scopeMark)}`);
}

/** {@link canonicalNamespace} of segments that are escaped already. */
export function joinSegments(escaped: readonly string[]): Namespace {
  const filled = escaped.filter((segment) => segment !== '');
  if (filled.length === 0) throw new CachelaneError('E_NAMESPACE', 'a namespace needs at least one segment');
  const segments = foldCase(filled).map((segment) => shortenEscaped(segment, limits.namespaceSegmentBytes));
  const whole = segments.join('/');
  if (segments.length <= limits.namespaceSegments && whole.length <= limits.namespaceBytes) return whole as Namespace;
  return withShortTail(segments) as Namespace;
}

/** As many leading segments as fit, so that parents stay parents; then the last one's name with the hash of the rest. */
function withShortTail(segments: readonly string[]): string {
  const last = segments.at(-1) ?? '';
  for (let kept = Math.min(limits.namespaceSegments, segments.length) - 1; kept > 0; kept--) {
    const rest = segments.slice(kept).join('/');
    const short = [...segments.slice(0, kept), withHash(last, rest, limits.namespaceSegmentBytes)].join('/');
    if (short.length <= limits.namespaceBytes) return short;
  }
  return withHash(last, segments.join('/'), limits.namespaceSegmentBytes);
}

/** Host, owner and repository in lower case; what lies deeper is a path inside a repository, where case counts. */
function foldCase(segments: readonly string[]): readonly string[] {
  const host = lowerAscii(segments[0] ?? '');
  if (!ignoresCase(host)) return segments;
  return segments.map((segment, index) => (index < 3 ? lowerEscaped(segment) : segment));
}

/** The path prefixes of a namespace, nearest first: the parents that it has where it names no others. */
export function namespaceParents(namespace: Namespace): readonly Namespace[] {
  const parents: Namespace[] = [];
  for (let slash = namespace.lastIndexOf('/'); slash > 0; slash = namespace.lastIndexOf('/', slash - 1)) {
    if (parents.length === limits.namespaceParents) break;
    parents.push(namespace.slice(0, slash) as Namespace);
  }
  return parents;
}

/** Hosts that ignore case in the names of owners and repositories. */
const foldingHosts: ReadonlySet<string> = new Set(['github.com', 'gitlab.com', 'bitbucket.org', 'codeberg.org']);

/** Returns whether names on this host ignore case. `host` is in lower case, without a port. */
export function ignoresCase(host: string): boolean {
  return foldingHosts.has(host);
}

export function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** Returns the segment in lower case; escapes (`%C3`) keep their upper-case hex. */
export function lowerEscaped(segment: string): string {
  return segment.replace(/%[0-9A-F]{2}|[A-Z]/g, (found) => (found.length === 1 ? found.toLowerCase() : found));
}

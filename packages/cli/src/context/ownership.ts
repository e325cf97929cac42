import type { FileReader } from '../base/file-reader.ts';

const effectiveUid = process.geteuid?.() ?? 0;

/**
 * Whether to trust a file found above a directory: it belongs to root, to our user, or to the directory's owner (a checkout mounted into a
 * container belongs to another user).
 */
export function isTrusted(path: string, start: string, files: FileReader): boolean {
  const uid = files.facts(path)?.uid ?? files.ownerOf(path);
  return uid === 0 || uid === effectiveUid || (uid !== undefined && uid === files.facts(start)?.uid);
}

/**
 * Whether others can create files in the directory: it is sticky like `/tmp`, or writable by all and not ours. Our own directory without the
 * sticky bit is safe: GitLab's runners check out under umask 0.
 */
export function isShared(directory: string, start: string, files: FileReader): boolean {
  const facts = files.facts(directory);
  if (facts === undefined || (facts.mode & 0o002) === 0) return false;
  return (facts.mode & 0o1000) !== 0 || !isTrusted(directory, start, files);
}

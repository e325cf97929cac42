import type { FileReader } from '../base/file-reader.ts';

const effectiveUid = process.geteuid?.() ?? 0;

/**
 * Whether a file that was found above a directory may say what that directory is: it belongs to root, to the user that we
 * run as, or to whoever owns the directory itself (a checkout that is mounted into a container belongs to another user,
 * and all of it does).
 */
export function isTrusted(path: string, start: string, files: FileReader): boolean {
  const uid = files.facts(path)?.uid ?? files.ownerOf(path);
  return uid === 0 || uid === effectiveUid || (uid !== undefined && uid === files.facts(start)?.uid);
}

/**
 * A directory where others can leave files: sticky as `/tmp`, or writable by all and not ours. Without the sticky bit our
 * own is no such place: GitLab's runners check out under umask 0.
 */
export function isShared(directory: string, start: string, files: FileReader): boolean {
  const facts = files.facts(directory);
  if (facts === undefined || (facts.mode & 0o002) === 0) return false;
  return (facts.mode & 0o1000) !== 0 || !isTrusted(directory, start, files);
}

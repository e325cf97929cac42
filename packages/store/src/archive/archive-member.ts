/** A member of an archive, or of a directory that is read like one. */
export interface ArchiveMember {
  /**
   * Normalised, without empty segments and `.`: `a/b`. The top is `''`. Absolute names begin with a slash.
   * `..` is kept as a segment and never resolved. Characters are bytes.
   */
  readonly name: string;
  readonly kind: 'file' | 'dir' | 'symlink' | 'hard link' | 'special';
  /** Description of the kind for messages: `a device`. */
  readonly what: string;
  readonly mode: number;
  readonly mtimeNs: bigint;
  readonly sizeBytes: number;
  /** A symlink's raw target, or a hard link's target in the form of {@link name}. */
  readonly linkName: string;
  /** The reader skips data that the consumer leaves unread. */
  readonly data: AsyncIterable<Uint8Array>;
}

export function memberName(text: string): string {
  const names = text.split('/').filter((name) => name !== '' && name !== '.');
  return `${text.startsWith('/') ? '/' : ''}${names.join('/')}`;
}

/**
 * Returns the path of `name` below `root`: `''` for the root itself, null if it is not below. The result may still
 * contain `..`.
 */
export function belowRoot(root: string, name: string): string | null {
  if (name === root) return '';
  const start = root === '' || root === '/' ? root : `${root}/`;
  if (!name.startsWith(start)) return null;
  const rest = name.slice(start.length);
  if (rest.startsWith('/')) return null;
  // A name of `..` segments only is not inside another such name.
  const onlyUp = /^(?:\.\.(?:\/\.\.)*)?$/.test(root);
  return onlyUp && /^\.\.(?:\/|$)/.test(rest) ? null : rest;
}

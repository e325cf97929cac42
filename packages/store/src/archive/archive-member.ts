/** One name of an archive, or of a directory that is taken like one. */
export interface ArchiveMember {
  /**
   * Without empty names and `.`: `a/b`; the archive's top is `''`. Absolute ones begin with a slash, and `..` is a name like others: what
   * it leads to is nothing that a reader of names would follow. Characters are bytes.
   */
  readonly name: string;
  readonly kind: 'file' | 'dir' | 'symlink' | 'hard link' | 'special';
  /** For people, of what is special: `a device`. */
  readonly what: string;
  readonly mode: number;
  readonly mtimeNs: bigint;
  readonly sizeBytes: number;
  /** Of a symlink as it is, of a hard link like {@link name}. */
  readonly linkName: string;
  /** What is left unread is skipped. */
  readonly data: AsyncIterable<Uint8Array>;
}

export function memberName(text: string): string {
  const names = text.split('/').filter((name) => name !== '' && name !== '.');
  return `${text.startsWith('/') ? '/' : ''}${names.join('/')}`;
}

/**
 * Where a name lies below a root, as text: `''` for the root itself, null for what lies elsewhere. What is left of the name may still lead
 * up again.
 */
export function belowRoot(root: string, name: string): string | null {
  if (name === root) return '';
  const start = root === '' || root === '/' ? root : `${root}/`;
  if (!name.startsWith(start)) return null;
  const rest = name.slice(start.length);
  if (rest.startsWith('/')) return null;
  // `..` and `../..` lie in each other's place, not in one another.
  const onlyUp = /^(?:\.\.(?:\/\.\.)*)?$/.test(root);
  return onlyUp && /^\.\.(?:\/|$)/.test(rest) ? null : rest;
}

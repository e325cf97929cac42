/** What decides about a member of an archive. Names as the store gives them: `a/b`, `../../.npm`, `/home/ann/.npm`; the top is `''`. */
export interface Surveyed {
  readonly name: string;
  readonly kind: string;
  readonly linkName: string;
  readonly sizeBytes: number;
}

export interface Survey {
  /** Directories that no other directory of the archive holds: what tar was told to pack. */
  readonly tops: ReadonlySet<string>;
  /** Where files lie that no directory of the archive holds. */
  readonly loose: ReadonlySet<string>;
  /** All directories, also those that only lead to something, the highest of each path first. */
  readonly directories: ReadonlySet<string>;
  /** Directories whose contents have the names that the tool gives. */
  readonly marked: ReadonlySet<string>;
  readonly hardLinks: readonly { readonly name: string; readonly linkName: string }[];
  /** Content of all members. */
  readonly sizeBytes: number;
}

/** A volume lies no deeper in an archive. */
const depthMax = 24;

/** Reads an archive to its end, so that what cannot be read is known before anything is made of it. */
export async function surveyArchive(
  members: AsyncIterable<Surveyed>,
  layout: RegExp | null,
  onBytes: (count: number) => void = () => undefined,
): Promise<Survey> {
  const packed = new Set<string>();
  const directories = new Set<string>();
  const marked = new Set<string>();
  const loose = new Set<string>();
  const hardLinks: { readonly name: string; readonly linkName: string }[] = [];
  let bytes = 0;
  for await (const { name, kind, linkName, sizeBytes } of members) {
    bytes += sizeBytes;
    onBytes(sizeBytes);
    if (kind === 'hard link') hardLinks.push({ name, linkName });
    const holder = kind === 'dir' ? name : holderOf(name);
    if (kind === 'dir') packed.add(name);
    else if (!packed.has(holder)) loose.add(holder);
    addPath(directories, holder);
    const at = layout === null ? -1 : name.search(layout);
    if (at >= 0) marked.add(withoutSlash(name.slice(0, at)));
  }
  const isHeld = (name: string): boolean => holdersOf(name).some((holder) => packed.has(holder));
  return {
    tops: new Set([...packed].filter((name) => !isHeld(name))),
    loose: new Set([...loose].filter((name) => !packed.has(name) && !isHeld(name))),
    directories,
    marked,
    hardLinks,
    sizeBytes: bytes,
  };
}

function addPath(directories: Set<string>, name: string): void {
  if (directories.has(name)) return;
  const all = [...holdersOf(name).toReversed(), name];
  if (all.length <= depthMax) for (const each of all) directories.add(each);
}

/** The directory that holds a name: of `../x` it is `..`, and of that one, of `/` and of the top nothing is known: itself. */
export function holderOf(name: string): string {
  if (/^(?:\.\.(?:\/\.\.)*)?$/.test(name)) return name;
  const slash = name.lastIndexOf('/');
  if (slash === 0) return '/';
  return slash < 0 ? '' : name.slice(0, slash);
}

/** Nearest first. */
export function holdersOf(name: string): readonly string[] {
  const holders: string[] = [];
  for (let at = name, above = holderOf(at); above !== at; at = above, above = holderOf(at)) holders.push(above);
  return holders;
}

function withoutSlash(name: string): string {
  return name.length > 1 && name.endsWith('/') ? name.slice(0, -1) : name;
}

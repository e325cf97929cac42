/** One member of an archive. Names are like `a/b`, `../../.npm` or `/home/ann/.npm`; the top is `''`. */
export interface Surveyed {
  readonly name: string;
  readonly kind: string;
  readonly linkName: string;
  readonly sizeBytes: number;
}

export interface Survey {
  /** Directories in no other directory of the archive: the arguments of tar. */
  readonly tops: ReadonlySet<string>;
  /** Parents of files whose directory is not in the archive. */
  readonly loose: ReadonlySet<string>;
  /** All directories, also implied ones, parents first. */
  readonly directories: ReadonlySet<string>;
  /** Directories whose contents look like the tool's cache. */
  readonly marked: ReadonlySet<string>;
  readonly hardLinks: readonly { readonly name: string; readonly linkName: string }[];
  /** Total content of all members. */
  readonly sizeBytes: number;
}

/** Deeper directories are no candidates. */
const depthMax = 24;

/** Reads a whole archive, so that damage is found before anything is written. */
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

/** Returns the parent of a name: `..` for `../x`. Returns `..`, `/` and the top unchanged. */
export function holderOf(name: string): string {
  if (/^(?:\.\.(?:\/\.\.)*)?$/.test(name)) return name;
  const slash = name.lastIndexOf('/');
  if (slash === 0) return '/';
  return slash < 0 ? '' : name.slice(0, slash);
}

/** Returns all parents of a name, nearest first. */
export function holdersOf(name: string): readonly string[] {
  const holders: string[] = [];
  for (let at = name, above = holderOf(at); above !== at; at = above, above = holderOf(at)) holders.push(above);
  return holders;
}

function withoutSlash(name: string): string {
  return name.length > 1 && name.endsWith('/') ? name.slice(0, -1) : name;
}

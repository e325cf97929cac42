import { mkdtempSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { displayPath, parseBytePath, type BytePath } from '@cachelane/core';
import { belowRoot, type ArchiveMember } from './archive-member.ts';
import { MemberTree, refusedMember } from './member-tree.ts';

export interface Unpacking {
  /** An empty directory that nothing else uses. */
  readonly dir: string;
  /** The directory of the archive to unpack, as members name it. */
  readonly root: string;
  /** All hard links of the archive: a name below the root may link to a file elsewhere. */
  readonly hardLinks: readonly HardLink[];
}

export type HardLink = Pick<ArchiveMember, 'name' | 'linkName'>;

export interface Unpacked {
  readonly entries: number;
  /** Members outside the root. */
  readonly elsewhere: number;
  /** Symlinks skipped because they lead out. */
  readonly linksLeftOut: number;
}

/**
 * Unpacks the members below a root into a directory. Names are compared as text, and the rest must be a path of the
 * volume.
 * Throws E_LAYER_REFUSED with the name of a member that a volume cannot hold.
 */
export async function unpackMembers(
  members: AsyncIterable<ArchiveMember>,
  { dir, root, hardLinks }: Unpacking,
): Promise<Unpacked> {
  // On the same file system, and deleted with the directory.
  const aside = mkdtempSync(join(dir, '.cachelane-seed-'));
  const tree = new MemberTree(dir);
  const keptAside = new Aside(aside);
  const wanted = wantedFromElsewhere(root, hardLinks);
  let entries = 0;
  let elsewhere = 0;
  for await (const member of members) {
    const below = belowRoot(root, member.name);
    if (below === null) {
      elsewhere += 1;
      if (wanted.has(member.name)) await keptAside.add(member);
      continue;
    }
    const path = pathOf(below, member.name);
    if (path.split('/', 1)[0] === basename(aside)) throw refusedMember(member.name, 'has a reserved name');
    if (path === '' && member.kind !== 'dir') throw refusedMember(member.name, `is ${member.what}, not a directory`);
    if (path === '') continue;
    entries += 1;
    await place(member, path, { tree, root, keptAside });
  }
  rmSync(aside, { recursive: true });
  return { entries, elsewhere, linksLeftOut: await tree.finish() };
}

/** Follows links to names that are themselves links. */
function wantedFromElsewhere(root: string, hardLinks: readonly HardLink[]): ReadonlySet<string> {
  const wanted = new Set<string>();
  for (const { name, linkName } of hardLinks.toReversed()) {
    if (belowRoot(root, linkName) === null && (belowRoot(root, name) !== null || wanted.has(name)))
      wanted.add(linkName);
  }
  return wanted;
}

interface Placing {
  readonly tree: MemberTree;
  readonly root: string;
  readonly keptAside: Aside;
}

async function place(member: ArchiveMember, path: BytePath, { tree, root, keptAside }: Placing): Promise<void> {
  switch (member.kind) {
    case 'dir':
      return tree.addDir(path, member);
    case 'file':
      return await tree.addFile(path, member);
    case 'symlink':
      return tree.addSymlink(path, member);
    case 'hard link': {
      const below = belowRoot(root, member.linkName);
      const isThere =
        below === null
          ? keptAside.linkTo(tree, path, member.linkName)
          : tree.addHardLink(path, pathOf(below, member.name));
      if (isThere) return;
      const target = displayPath(member.linkName as BytePath);
      throw refusedMember(member.name, `is a hard link to ${target}, which no earlier member has`);
    }
    case 'special':
      throw refusedMember(member.name, `is ${member.what}`);
  }
}

function pathOf(below: string, name: string): BytePath {
  if (below.split('/').includes('..')) throw refusedMember(name, 'leads out of its directory');
  return parseBytePath(below);
}

/** Keeps files outside the root that hard links below it need. */
class Aside {
  readonly #dir: string;
  readonly #files = new Map<string, string>();
  #count = 0;

  constructor(dir: string) {
    this.#dir = dir;
  }

  async add(member: ArchiveMember): Promise<void> {
    if (member.kind === 'hard link') {
      const file = this.#files.get(member.linkName);
      if (file !== undefined) this.#files.set(member.name, file);
    }
    if (member.kind !== 'file') return;
    // Numbered names: a later file of the same name is another file, and earlier links still mean the first.
    const name = String(this.#count++);
    await new MemberTree(this.#dir).addFile(name as BytePath, member);
    this.#files.set(member.name, join(this.#dir, name));
  }

  linkTo(tree: MemberTree, path: BytePath, name: string): boolean {
    const file = this.#files.get(name);
    if (file === undefined) return false;
    tree.linkFrom(path, file);
    return true;
  }
}

import { baseName, parentPath, rootPath, type BytePath, type Entry } from '@cachelane/core';

/** A directory of an image that is being built. */
export interface ImageDirectory {
  readonly parent: ImageDirectory | null;
  /** Its index entry, or null if it has none. */
  entry: Entry | null;
  /** Names of its children, in order of arrival. */
  readonly names: string[];
  /** A directory, or an inode number and a file type. */
  readonly children: (ImageDirectory | number)[];
  readonly types: number[];
  /** Whether it contains a whiteout. */
  holds: boolean;
  /** Set once it has a place. */
  inode: number;
}

/** Directories by path. An index lists parents first, and mostly one directory after the other. */
export class ImageTree {
  readonly root: ImageDirectory = newDirectory(null);
  readonly #directories = new Map<BytePath, ImageDirectory>([[rootPath, this.root]]);
  #last: { readonly path: BytePath; readonly directory: ImageDirectory } = { path: rootPath, directory: this.root };

  addDirectory(entry: Entry): void {
    this.#directory(entry.path).entry = entry;
  }

  add(path: BytePath, inode: number, type: number): ImageDirectory {
    const directory = this.#parentOf(path);
    directory.names.push(baseName(path));
    directory.children.push(inode);
    directory.types.push(type);
    return directory;
  }

  /** Yields parents before children. */
  *directories(): Generator<ImageDirectory> {
    yield* this.#directories.values();
  }

  get directoryCount(): number {
    return this.#directories.size;
  }

  #parentOf(path: BytePath): ImageDirectory {
    const parent = parentPath(path);
    if (this.#last.path !== parent) this.#last = { path: parent, directory: this.#directory(parent) };
    return this.#last.directory;
  }

  #directory(path: BytePath): ImageDirectory {
    const known = this.#directories.get(path);
    if (known !== undefined) return known;
    const parent = this.#directory(parentPath(path));
    const directory = newDirectory(parent);
    parent.names.push(baseName(path));
    parent.children.push(directory);
    parent.types.push(2);
    this.#directories.set(path, directory);
    return directory;
  }
}

function newDirectory(parent: ImageDirectory | null): ImageDirectory {
  return { parent, entry: null, names: [], children: [], types: [], holds: false, inode: 0 };
}

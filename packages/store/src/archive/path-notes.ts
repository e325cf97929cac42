import type { BytePath } from '@cachelane/core';

interface Node<T> {
  note: T | undefined;
  /** Null if empty, as for most nodes. */
  below: Map<string, Node<T>> | null;
}

/** Stores notes by path. Finds notes above or below a path without visiting other paths. */
export class PathNotes<T> {
  readonly #root: Node<T> = { note: undefined, below: null };

  get(path: BytePath): T | undefined {
    return this.#way(path).at(-1)?.note;
  }

  set(path: BytePath, note: T): void {
    let node = this.#root;
    for (const name of namesOf(path)) {
      node.below ??= new Map();
      let next = node.below.get(name);
      if (next === undefined) node.below.set(name, (next = { note: undefined, below: null }));
      node = next;
    }
    node.note = note;
  }

  /** Deletes the path's own note. Notes below it stay. */
  delete(path: BytePath): void {
    const way = this.#way(path);
    const node = way.at(-1);
    if (node === undefined) return;
    node.note = undefined;
    this.#tidy(way, namesOf(path));
  }

  deleteBelow(path: BytePath): void {
    const way = this.#way(path);
    const node = way.at(-1);
    if (node === undefined || node.below === null) return;
    node.below = null;
    this.#tidy(way, namesOf(path));
  }

  /** Returns the uppermost directory above the path that has a note. */
  above(path: BytePath): BytePath | null {
    const names = namesOf(path);
    let node: Node<T> | undefined = this.#root;
    for (const [index, name] of names.slice(0, -1).entries()) {
      node = node.below?.get(name);
      if (node === undefined) return null;
      if (node.note !== undefined) return names.slice(0, index + 1).join('/') as BytePath;
    }
    return null;
  }

  /** Yields a directory before its contents. */
  *entries(): Generator<[BytePath, T]> {
    const open: [string, Node<T>][] = [['', this.#root]];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const [path, { note, below }] = next;
      if (note !== undefined) yield [path as BytePath, note];
      for (const [name, node] of below ?? []) open.push([path === '' ? name : `${path}/${name}`, node]);
    }
  }

  /** Returns the nodes from the root to the path, or no nodes if no note is at or below it. */
  #way(path: BytePath): readonly Node<T>[] {
    const way = [this.#root];
    for (const name of namesOf(path)) {
      const next = way.at(-1)?.below?.get(name);
      if (next === undefined) return [];
      way.push(next);
    }
    return way;
  }

  #tidy(way: readonly Node<T>[], names: readonly string[]): void {
    for (let at = names.length; at > 0; at--) {
      const node = way[at];
      if (node === undefined || node.note !== undefined || node.below !== null) return;
      const holder = way[at - 1];
      holder?.below?.delete(names[at - 1] ?? '');
      if (holder?.below?.size === 0) holder.below = null;
    }
  }
}

function namesOf(path: BytePath): readonly string[] {
  return path === '' ? [] : path.split('/');
}

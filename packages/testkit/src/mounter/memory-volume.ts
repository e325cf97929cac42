import {
  ancestors,
  CachelaneError,
  comparePaths,
  displayPath,
  isBelow,
  parentPath,
  parseBytePath,
  rootPath,
  type BytePath,
  type Change,
  type ChangeSet,
  type Entry,
  type StoredLayer,
  type UsedFile,
} from '@cachelane/core';
import { changeSetOf, toBytes } from '../layers/change-sets.ts';
import type { SeenFile } from '../layers/layer-store-fixture.ts';
import type { SeenVolume, VolumeStep } from './volume-steps.ts';

/** An inode: two paths with the same node are hard links. */
interface FileNode {
  readonly type: 'file' | 'dir' | 'symlink' | 'fifo';
  mode: number;
  mtimeNs: bigint;
  content: () => Uint8Array;
  /** Whether this run created or touched it. */
  dirty: boolean;
}

/** An attached volume in memory, like a mounted overlay. Its clock moves one second with each operation, unless `touch` sets a time. */
export class MemoryVolume {
  readonly #before: ReadonlyMap<BytePath, FileNode>;
  readonly #nodes: Map<BytePath, FileNode>;
  readonly #read = new Set<BytePath>();
  #seconds = 1_700_000_000;

  constructor(view: readonly StoredLayer[]) {
    this.#nodes = composeTree(view);
    this.#before = new Map(this.#nodes);
  }

  run(steps: readonly VolumeStep[]): void {
    for (const step of steps) this.#do(step);
  }

  write(path: string, content: string | Uint8Array): void {
    this.#write(parseBytePath(path), toBytes(content));
  }

  mkdir(path: string): void {
    this.#makeDir(parseBytePath(path));
  }

  /** Removing a missing path is no error; a path through a file or symlink is. */
  remove(path: string): void {
    const target = parseBytePath(path);
    for (const each of ancestors(target)) if (this.#nodes.has(each)) this.#expectDirectory(each);
    for (const each of this.#below(target)) this.#nodes.delete(each);
    this.#nodes.delete(target);
  }

  /** Replaces whatever is at `to`. */
  rename(from: string, to: string): void {
    const source = parseBytePath(from);
    const target = parseBytePath(to);
    if (source === target || isBelow(target, source) || isBelow(source, target)) throw notThere(target);
    this.#expectDirectory(parentPath(target));
    const top = this.#node(source);
    // A directory of the view cannot be renamed: `mv` copies it and so breaks hard links out of it.
    const isCopied = top.type === 'dir' && this.#before.get(source) === top;
    const copies = new Map<FileNode, FileNode>();
    const copy = (node: FileNode): FileNode => {
      if (node.dirty && !isCopied) return node;
      const known = copies.get(node) ?? { ...node, dirty: true };
      copies.set(node, known);
      return known;
    };
    const moved = [source, ...this.#below(source)].map((path) => [path, copy(this.#node(path))] as const);
    this.remove(source);
    this.remove(target);
    for (const [path, node] of moved) this.#nodes.set((target + path.slice(source.length)) as BytePath, node);
  }

  /** Throws if there is no file. */
  read(path: string): Uint8Array {
    const node = this.#node(parseBytePath(path));
    if (node.type !== 'file') throw notThere(parseBytePath(path));
    this.#read.add(parseBytePath(path));
    return node.content();
  }

  /** Returns files of the view that were read. */
  usedFiles(): readonly UsedFile[] {
    const isAsItWas = (path: BytePath): boolean => this.#before.get(path) === this.#nodes.get(path);
    return [...this.#read].filter(isAsItWas).map((path) => ({ path, atMs: null }));
  }

  exists(path: string): boolean {
    return this.#nodes.has(parseBytePath(path));
  }

  look(): SeenVolume {
    return new Map(
      [...this.#nodes].toSorted(([a], [b]) => comparePaths(a, b)).map(([path, node]) => [path, seen(node)]),
    );
  }

  /** Returns the differences from the view. */
  changes(): ChangeSet {
    const changes: Change[] = [];
    for (const [path, node] of [...this.#nodes].toSorted(([a], [b]) => comparePaths(a, b))) {
      if (node.dirty || this.#before.get(path) !== node) changes.push(this.#changeAt(path, node));
    }
    for (const path of this.#before.keys()) {
      if (!this.#nodes.has(path) && this.#isSameDirectory(parentPath(path))) changes.push({ kind: 'removed', path });
    }
    return changeSetOf(changes, (path) => this.#nodes.get(path)?.content());
  }

  #changeAt(path: BytePath, node: FileNode): Change {
    const { mode, mtimeNs } = node;
    switch (node.type) {
      case 'file':
        return { kind: 'file', path, mode, mtimeNs, sizeBytes: node.content().length };
      case 'dir': {
        const before = this.#before.get(path);
        return { kind: 'dir', path, mode, mtimeNs, replaces: before?.type === 'dir' && before !== node };
      }
      case 'symlink':
        return { kind: 'symlink', path, mtimeNs, target: node.content() };
      case 'fifo':
        return { kind: 'special', path, what: 'fifo' };
    }
  }

  /** Whether the directory is still the view's own, so that its missing entries were removed one by one. */
  #isSameDirectory(path: BytePath): boolean {
    return path === rootPath || this.#nodes.get(path) === this.#before.get(path);
  }

  #do(step: VolumeStep): void {
    this.#seconds++;
    switch (step.do) {
      case 'write':
        this.#write(parseBytePath(step.path), Buffer.from(step.content, 'latin1'));
        return;
      case 'mkdir':
        this.mkdir(step.path);
        return;
      case 'remove':
        this.remove(step.path);
        return;
      case 'rename':
        this.rename(step.from, step.to);
        return;
      case 'symlink':
        this.#put(parseBytePath(step.path), this.#newNode('symlink', 0o777, Buffer.from(step.target, 'latin1')));
        return;
      case 'link':
        this.#link(parseBytePath(step.from), parseBytePath(step.to));
        return;
      case 'chmod':
        this.#chmod(parseBytePath(step.path), step.mode);
        return;
      case 'touch':
        this.#copyUp(parseBytePath(step.path)).mtimeNs = BigInt(step.seconds) * 1_000_000_000n;
        return;
      case 'fifo':
        this.#put(parseBytePath(step.path), this.#newNode('fifo', 0o644));
        return;
    }
  }

  #write(path: BytePath, content: Uint8Array): void {
    const known = this.#nodes.get(path);
    if (known === undefined) {
      this.#put(path, this.#newNode('file', 0o644, content));
      return;
    }
    if (known.type !== 'file') throw new CachelaneError('E_INTERNAL', `${displayPath(path)} is not a file`);
    const node = this.#copyUp(path);
    node.content = () => content;
    node.mtimeNs = this.#nowNs();
  }

  #chmod(path: BytePath, mode: number): void {
    if (this.#node(path).type === 'symlink') throw notThere(path);
    this.#copyUp(path).mode = mode;
  }

  #link(from: BytePath, to: BytePath): void {
    if (this.#node(from).type !== 'file') throw notThere(from);
    this.#expectRoom(to);
    this.#nodes.set(to, this.#copyUp(from));
  }

  #makeDir(path: BytePath): void {
    for (const each of [...[...ancestors(path)].toReversed(), path]) {
      const node = this.#nodes.get(each);
      if (node === undefined) this.#nodes.set(each, this.#newNode('dir', 0o755));
      else if (node.type !== 'dir') throw notThere(each);
    }
  }

  #expectDirectory(path: BytePath): void {
    if (path !== rootPath && this.#node(path).type !== 'dir') throw notThere(path);
  }

  /** Checks that a new entry can be created at the path. */
  #expectRoom(path: BytePath): void {
    this.#expectDirectory(parentPath(path));
    if (this.#nodes.has(path)) throw new CachelaneError('E_INTERNAL', `${displayPath(path)} exists already`);
  }

  #put(path: BytePath, node: FileNode): void {
    this.#expectRoom(path);
    this.#nodes.set(path, node);
  }

  /** Returns the run's copy of an entry; a directory keeps its identity. */
  #copyUp(path: BytePath): FileNode {
    const node = this.#node(path);
    if (node.type === 'dir' || node.dirty) {
      node.dirty = true;
      return node;
    }
    const copy = { ...node, dirty: true };
    this.#nodes.set(path, copy);
    return copy;
  }

  #node(path: BytePath): FileNode {
    const node = this.#nodes.get(path);
    if (node === undefined) throw notThere(path);
    return node;
  }

  #newNode(type: FileNode['type'], mode: number, content: Uint8Array = new Uint8Array()): FileNode {
    return { type, mode, mtimeNs: this.#nowNs(), content: () => content, dirty: true };
  }

  #nowNs(): bigint {
    return BigInt(this.#seconds) * 1_000_000_000n + 123_456_789n;
  }

  #below(path: BytePath): readonly BytePath[] {
    return [...this.#nodes.keys()].filter((each) => isBelow(each, path));
  }
}

function notThere(path: BytePath): CachelaneError {
  return new CachelaneError('E_NOT_FOUND', `${displayPath(path)} is not in the volume`);
}

function seen(node: FileNode): SeenFile {
  switch (node.type) {
    case 'file':
      return { type: 'file', mode: node.mode, content: Buffer.from(node.content()).toString('latin1') };
    case 'dir':
      return { type: 'dir', mode: node.mode };
    case 'symlink':
      return { type: 'symlink', target: Buffer.from(node.content()).toString('latin1') };
    case 'fifo':
      return { type: 'special' };
  }
}

/** Merges the layers' trees like the kernel, which ignores deltas and hints. */
function composeTree(view: readonly StoredLayer[]): Map<BytePath, FileNode> {
  const nodes = new Map<BytePath, FileNode>();
  for (const layer of view.toReversed()) {
    const entries = [...layer.index.entries()].filter(({ removed, form }) => removed !== 'hint' && form === 'whole');
    for (const { path, type, removed } of entries) {
      const old = nodes.get(path);
      if (type === 'dir' && removed === null && old?.type === 'dir') continue;
      for (const each of nodes.keys()) if (isBelow(each, path)) nodes.delete(each);
      if (removed !== 'below' || old?.type !== 'dir') nodes.delete(path);
    }
    for (const entry of entries) if (entry.removed !== 'counted') nodes.set(entry.path, nodeFor(layer, entry));
  }
  return nodes;
}

function nodeFor(layer: StoredLayer, { path, type, mode, mtimeNs }: Entry): FileNode {
  return { type, mode, mtimeNs, content: () => layer.read(path), dirty: false };
}

import { posix } from 'node:path';
import type { SourceFile } from './tidy.ts';

type Graph = ReadonlyMap<string, ReadonlySet<string>>;

const relativeImport = /(?:from|import)\s*\(?\s*'(\.[^']+)'/g;

/** Returns the relative imports of each file, types included; files outside the list are left out. */
function importGraph(files: readonly SourceFile[]): Graph {
  const known = new Set(files.map(({ path }) => path));
  return new Map(
    files.map(({ path, text }) => {
      const targets = [...text.matchAll(relativeImport)].map(([, to = '']) => posix.join(posix.dirname(path), to));
      return [path, new Set(targets.filter((target) => known.has(target)))];
    }),
  );
}

function folderGraph(graph: Graph): Graph {
  const folders = new Map<string, Set<string>>();
  for (const [path, targets] of graph) {
    const folder = posix.dirname(path);
    const known = folders.get(folder) ?? new Set();
    folders.set(folder, known);
    for (const target of targets) if (posix.dirname(target) !== folder) known.add(posix.dirname(target));
  }
  return folders;
}

/** Returns one cycle of the graph, first node repeated at the end; null if it has none. */
function cycleIn(graph: Graph): readonly string[] | null {
  const done = new Set<string>();
  const path: string[] = [];
  function visit(node: string): readonly string[] | null {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (done.has(node)) return null;
    path.push(node);
    for (const next of graph.get(node) ?? []) {
      const cycle = visit(next);
      if (cycle !== null) return cycle;
    }
    path.pop();
    done.add(node);
    return null;
  }
  for (const node of graph.keys()) {
    const cycle = visit(node);
    if (cycle !== null) return cycle;
  }
  return null;
}

/** Returns a cycle of imports between files and one between folders, as text; empty without cycles. */
export function importCycles(files: readonly SourceFile[]): readonly string[] {
  const graph = importGraph(files);
  const cycles = [cycleIn(graph), cycleIn(folderGraph(graph))];
  return cycles.flatMap((cycle) => (cycle === null ? [] : [cycle.join(' -> ')]));
}

/** Returns the folders with more than `most` files, as text. */
export function crowdedFolders(files: readonly SourceFile[], most: number): readonly string[] {
  const counts = new Map<string, number>();
  for (const { path } of files) counts.set(posix.dirname(path), (counts.get(posix.dirname(path)) ?? 0) + 1);
  return [...counts].filter(([, count]) => count > most).map(([folder, count]) => `${folder}: ${count} files`);
}

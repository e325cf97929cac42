import {
  type BytePath,
  type Entry,
  type Found,
  type LayerId,
  LayerStack,
  type Metadata,
  type NotedPaths,
  type RunId,
  type StoredLayer,
  type Tool,
  limits,
  markedMs,
  mergesVersions,
  parentPath,
  pathMark,
} from '@cachelane/core';
import { driverFor, fromLayer, toVersion } from '../views/versions.ts';
import type { GrowthUnit } from './choose-going.ts';

/** A file or a group that can be removed alone. */
interface HeldUnit extends GrowthUnit {
  readonly paths: readonly BytePath[];
  /** Label of the group; null for a single file. */
  readonly group: string | null;
}

/** The contents of a head's own layers, without lanes below. */
export interface GrownHead {
  readonly units: readonly HeldUnit[];
  /** Lists and unknown files, which cannot be removed alone. */
  readonly otherBytes: number;
  readonly bytes: number;
}

/** Returns an upper bound of a head's size without opening its layers. */
export async function mostBytesOf(
  { metadata }: { readonly metadata: Pick<Metadata, 'layer'> },
  layers: readonly LayerId[],
  signal: AbortSignal,
): Promise<number> {
  let bytes = 0;
  for (const id of new Set(layers)) bytes += (await metadata.layer(id, signal))?.counts.sizeBytes ?? Infinity;
  return bytes;
}

export interface GrownQuestion {
  /** Top first. */
  readonly layers: readonly StoredLayer[];
  readonly tool: Tool;
  readonly used: NotedPaths;
  /** The lane's latest runs. */
  readonly recent: ReadonlySet<RunId>;
}

interface Draft {
  readonly paths: BytePath[];
  readonly origins: Set<RunId>;
  sizeBytes: number;
  sealedAtMs: number;
  usedAtMs: number | null;
}

/** Also reads small files that name others: a used entry counts as a use of what it names. */
export async function grownHead(
  { metadata }: { readonly metadata: Pick<Metadata, 'run'> },
  { layers, tool, used, recent }: GrownQuestion,
  signal: AbortSignal,
): Promise<GrownHead> {
  const stack = new LayerStack(layers);
  const files = new Map<BytePath, Draft>();
  const groups = new Map<string, Draft>();
  let otherBytes = 0;
  const names: Naming[] = [];
  for (const found of stack.visible()) {
    const { entry } = found;
    if (entry.type === 'dir') continue;
    const sizeBytes = bytesAt(stack, found);
    const usedAtMs = used.marks.size === 0 ? null : (used.marks.get(pathMark(entry.path)) ?? null);
    const naming = namingOf(tool, found, layers);
    if (naming !== null) names.push({ naming, usedAtMs });
    const isAlone = naming === null && goesAlone(entry);
    const draft = !tool.losesFiles
      ? null
      : entry.group !== null
        ? draftIn(groups, entry.group)
        : isAlone
          ? draftIn(files, entry.path)
          : null;
    if (draft === null) {
      otherBytes += sizeBytes;
      continue;
    }
    draft.paths.push(entry.path);
    draft.sizeBytes += sizeBytes;
    draft.sealedAtMs = Math.max(draft.sealedAtMs, layers[found.depth]?.sealedAtMs ?? 0);
    draft.usedAtMs = latest(draft.usedAtMs, usedAtMs);
    for (const origin of entry.origins) draft.origins.add(origin);
  }
  passOn(names, files);
  const drafts = [
    ...Array.from(files.values(), (draft) => ({ draft, group: null })),
    ...Array.from(groups, ([group, draft]) => ({ draft, group })),
  ];
  const starts = await startsOf(metadata, new Set(drafts.flatMap(({ draft }) => [...draft.origins])), signal);
  const units = drafts.map(({ draft, group }): HeldUnit => {
    const { paths, origins, sizeBytes, sealedAtMs, usedAtMs } = draft;
    const known = [...origins].flatMap((run) => starts.get(run) ?? []);
    const wasSeen = used.atMs > 0 && usedAtMs !== null && usedAtMs >= markedMs(used.atMs);
    return {
      paths,
      group,
      sizeBytes,
      savedAtMs: known.length === 0 ? sealedAtMs : Math.max(...known),
      usedAtMs,
      isRecent: wasSeen || [...origins].some((run) => recent.has(run)),
    };
  });
  return { units, otherBytes, bytes: units.reduce((sum, { sizeBytes }) => sum + sizeBytes, otherBytes) };
}

interface Naming {
  readonly naming: () => readonly BytePath[];
  readonly usedAtMs: number | null;
}

/** Counts the use of a naming file for the files or directories that it names. */
function passOn(names: readonly Naming[], files: ReadonlyMap<BytePath, Draft>): void {
  const used = names.filter(({ usedAtMs }) => usedAtMs !== null);
  if (used.length === 0) return;
  const inDirectory = Map.groupBy(files, ([path]) => parentPath(path));
  for (const { naming, usedAtMs } of used) {
    for (const path of naming()) {
      const draft = files.get(path);
      const drafts = draft === undefined ? (inDirectory.get(path) ?? []).map(([, each]) => each) : [draft];
      for (const each of drafts) each.usedAtMs = latest(each.usedAtMs, usedAtMs);
    }
  }
}

/** All versions of a merging file are kept. */
function bytesAt(stack: LayerStack, { entry }: Found): number {
  if (!mergesVersions(entry.mergeClass)) return entry.sizeBytes;
  return stack.versions(entry.path).versions.reduce((sum, { entry: each }) => sum + each.sizeBytes, 0);
}

/** Whether a file can be removed alone: contents and large entries. Lists, rows and unknown directories cannot. */
function goesAlone({ mergeClass, sizeBytes }: Entry): boolean {
  return mergeClass === 'U' || (mergeClass === 'L' && sizeBytes >= limits.goingFileBytes);
}

/** Returns the paths that a file names, if its driver closes names. The file is removed when they are. */
function namingOf(tool: Tool, { entry, depth }: Found, layers: readonly StoredLayer[]): Naming['naming'] | null {
  const layer = layers[depth];
  const driver = entry.type === 'file' && entry.group === null ? driverFor(tool, entry) : null;
  if (driver?.close === undefined || layer === undefined) return null;
  return () => {
    // The use of a list says nothing about its lines.
    if (entry.mergeClass === 'A' || entry.mergeClass === 'Q' || entry.sizeBytes > limits.mergedFileBytes) return [];
    const named: BytePath[] = [];
    driver.close?.(toVersion(fromLayer(entry, layer)), entry.path, (path) => named.push(path) > 0);
    return named;
  };
}

function draftIn<K>(drafts: Map<K, Draft>, key: K): Draft {
  const known = drafts.get(key);
  if (known !== undefined) return known;
  const draft: Draft = { paths: [], origins: new Set(), sizeBytes: 0, sealedAtMs: 0, usedAtMs: null };
  drafts.set(key, draft);
  return draft;
}

function latest(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.max(a, b);
}

async function startsOf(
  metadata: Pick<Metadata, 'run'>,
  runs: ReadonlySet<RunId>,
  signal: AbortSignal,
): Promise<ReadonlyMap<RunId, number>> {
  const starts = new Map<RunId, number>();
  for (const run of runs) {
    const record = await metadata.run(run, signal);
    if (record !== undefined) starts.set(run, record.startedAtMs);
  }
  return starts;
}

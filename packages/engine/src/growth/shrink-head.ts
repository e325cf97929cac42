import {
  ancestors,
  CachelaneError,
  limits,
  newId,
  pathMark,
  type BytePath,
  type Entry,
  type HeadRecord,
  type LayerId,
  type NamespaceId,
  type RunId,
  type RunRecord,
  type Squashes,
  type StoredLayer,
} from '@cachelane/core';
import { isRecordedHere, squashesOf } from '../heads/known-squashes.ts';
import { closeNames, commitRemains, publishRemains, type Remains } from '../removal/remains.ts';
import { stageFrom } from '../views/squash.ts';
import { planGrowth, type GrowthDependencies, type GrowthPlan, type GrowthQuestion } from './plan-growth.ts';

/** What was removed from a head. */
export interface Shrunk {
  /** Null: only names of files removed earlier. */
  readonly plan: GrowthPlan | null;
  readonly head: HeadRecord;
  readonly files: number;
  readonly sizeBytes: number;
}

export interface ShrinkRequest extends GrowthQuestion {
  readonly namespaceId: NamespaceId;
  /** Also removes names of files that were removed earlier, even within the budget: a run that saw them may have saved the names since. */
  readonly closes?: boolean;
}

type Going = Pick<GrowthPlan, 'head' | 'paths' | 'groups'>;

const nothing: ReadonlySet<never> = new Set();

/**
 * Removes what exceeds a head's budget, and the names of removed files, in one move of the head. Keeps what other runs commit. Returns null
 * if nothing is removed. Errors: E_HEAD_MOVED, and those of the ports.
 */
export async function shrinkHead(
  deps: GrowthDependencies,
  { namespaceId, closes = false, ...question }: ShrinkRequest,
  signal: AbortSignal,
): Promise<Shrunk | null> {
  let head: HeadRecord | undefined = question.head;
  for (let attempt = 0; attempt < limits.commitAttempts && head !== undefined; attempt++) {
    const plan = await planGrowth(deps, { ...question, head }, signal);
    const going: Going = { head, paths: plan?.paths ?? nothing, groups: plan?.groups ?? nothing };
    if (going.paths.size === 0 && !closes) return null;
    const run = collectionRun(deps, { namespaceId, head });
    const squashes = await squashesOf(deps.metadata, head, signal);
    const remains = await closedRemains(deps, { going, tool: question.tool, squashes }, signal);
    if (remains === null) return null;
    const of = { volumeId: head.volumeId, without: new Set<RunId>(), by: run.id };
    const left = await publishRemains(deps, of, remains, signal);
    const layers = squashes.contract(left.layers, head.layers);
    const goingBytes = plan?.goingBytes ?? 0;
    const counts = { added: 0, changed: 0, removed: going.paths.size, sizeBytes: goingBytes };
    const { volumeId, lane, generation } = head;
    const atMs = deps.clock.nowMs();
    const move = { volumeId, lane, expectedGeneration: generation, layers, layer: null, rewritten: left.rewritten };
    const result = await commitRemains(deps, { ...move, runs: [run], run: run.id, counts, atMs }, signal);
    if (result?.kind === 'moved') {
      const paths = Array.from(going.paths, (path) => [pathMark(path), atMs] as const);
      const moves = paths.length > 0;
      if (moves) await deps.metadata.notePaths({ volumeId, lane, note: 'evicted', paths, atMs, moves }, signal);
      return { plan, head: result.head, files: paths.length, sizeBytes: goingBytes };
    }
    head = await deps.metadata.head(volumeId, lane, signal);
  }
  if (head === undefined) return null;
  throw new CachelaneError('E_HEAD_MOVED', `the head moved ${limits.commitAttempts} times while it was shrunk`, {
    retryable: true,
  });
}

function collectionRun(
  { random, clock }: GrowthDependencies,
  { namespaceId, head }: { readonly namespaceId: NamespaceId; readonly head: HeadRecord },
): RunRecord {
  const id = newId('run', random.bytes(16));
  const { lane } = head;
  return { id, namespaceId, lane, startedAtMs: clock.nowMs(), revision: null, workflow: null, purpose: 'collection' };
}

interface GoingFrom {
  readonly going: Going;
  readonly squashes: Squashes;
}

/** Returns null if nothing is to be removed. */
async function closedRemains(
  deps: GrowthDependencies,
  { tool, ...from }: GoingFrom & Pick<GrowthQuestion, 'tool'>,
  signal: AbortSignal,
): Promise<readonly Remains[] | null> {
  const { volumeId, lane } = from.going.head;
  const { marks } = await deps.metadata.notedPaths(volumeId, lane, 'evicted', signal);
  const gone = goneOf(from.going);
  const mayBeGone = (path: BytePath): boolean => gone.has(path) || (marks.size > 0 && marks.has(pathMark(path)));
  const closed = closeNames(await remainsOf(deps, from, signal), mayBeGone, tool);
  if (closed.every(({ changed }) => !changed)) return null;
  return closed;
}

/** Rewrites what squashes replaced, as far as it is here, so that a run can still be removed exactly. */
async function remainsOf(
  deps: GrowthDependencies,
  { going, squashes }: GoingFrom,
  signal: AbortSignal,
): Promise<readonly Remains[]> {
  const remains: Remains[] = [];
  for (const id of await partsOf(deps, { head: going.head, squashes }, signal)) {
    const layer = await deps.layers.open(id, signal);
    const all = [...layer.index.entries()];
    const left = withoutGoing(all, going);
    remains.push(remainsIn(layer, { id, left, changed: left.length < all.length }));
  }
  return remains;
}

async function partsOf(
  deps: GrowthDependencies,
  { head, squashes }: { readonly head: HeadRecord; readonly squashes: Squashes },
  signal: AbortSignal,
): Promise<ReadonlySet<LayerId>> {
  const all = new Set<LayerId>();
  for (const id of head.layers) {
    const parts = squashes.expand([id]);
    let areHere = true;
    for (const part of parts) areHere &&= await isRecordedHere(deps, part, signal);
    for (const part of areHere ? parts : [id]) all.add(part);
  }
  return all;
}

function remainsIn(
  layer: StoredLayer,
  { id, left, changed }: { readonly id: Remains['id']; readonly left: readonly Entry[]; readonly changed: boolean },
): Remains {
  return { layer, id, entries: left.map((entry) => stageFrom(entry, layer)), changed };
}

/** Includes parent directories: a name may refer to the directory. */
function goneOf({ paths }: Going): ReadonlySet<BytePath> {
  return new Set([...paths].flatMap((path) => [path, ...ancestors(path)]));
}

/** Also drops directories that become empty: an empty group would look present. */
function withoutGoing(entries: readonly Entry[], { paths, groups }: Going): readonly Entry[] {
  const left = entries.filter(({ path, group }) => !paths.has(path) && (group === null || !groups.has(group)));
  if (left.length === entries.length) return entries;
  const emptied = new Set<BytePath>();
  for (const { path } of entries) if (paths.has(path)) for (const each of ancestors(path)) emptied.add(each);
  for (const { path, type, removed } of left) {
    if (type === 'dir' && removed === null) continue;
    for (const each of ancestors(path)) emptied.delete(each);
  }
  return left.filter(({ path, type, removed }) => type !== 'dir' || removed !== null || !emptied.has(path));
}

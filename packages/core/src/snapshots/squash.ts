import { ancestors, type BytePath } from '../layers/byte-path.ts';
import { digestOf } from '../base/digest.ts';
import type { Entry, LayerId, LayerIndex } from '../layers/entry.ts';
import { groupsOf, LayerStack, mergesVersions, type Found, type StackLayer } from './stack.ts';

/** What a squash of neighbouring layers holds at one path. */
export type SquashStep =
  /** The entry of one layer; `below` when what layers further down have at or under the path must not count (`Removal`). */
  | { readonly kind: 'keep'; readonly found: Found; readonly below: boolean }
  /** The driver's answer for several versions; `form` is `delta` when there is no whole one among them and nothing hides what lies further down. */
  | {
      readonly kind: 'compose';
      readonly versions: readonly Found[];
      readonly form: 'whole' | 'delta';
      readonly below: boolean;
    }
  /** A counted removal, or a hint that is all there is. */
  | { readonly kind: 'removed'; readonly entry: Entry };

/**
 * One layer with the effect of several: a stack that has the squash in place of `layers` shows the same at every path.
 * In byte order of the paths.
 */
export function* squashPlan(layers: readonly StackLayer[]): Generator<readonly [BytePath, SquashStep]> {
  const stack = new LayerStack(layers);
  const hiddenGroups = groupsHiddenAt(layers);
  const cut = new Set<BytePath>();
  for (const path of stack.paths()) {
    if (isSquashMark(path)) continue;
    const step = squashStep(stack, path, hiddenGroups);
    if (step === undefined) continue;
    // What lies further down does not count there anyway.
    if (step.kind === 'removed' && cut.size > 0 && ancestors(path).some((ancestor) => cut.has(ancestor))) continue;
    if (step.kind === 'keep' && step.below && step.found.entry.type === 'dir') cut.add(path);
    yield [path, step];
  }
}

/** Whether the layer takes away, of classes where that counts in a clean-up only. */
export function isCleanUp(index: LayerIndex): boolean {
  for (const entry of index.special()) if (takesAway(entry)) return true;
  return false;
}

function takesAway({ mergeClass, removed }: Entry): boolean {
  return (removed === 'counted' || removed === 'below') && mergeClass !== 'D' && mergeClass !== 'G';
}

/** What is left of a clean-up's entry where there is nothing below that it could take away; null for nothing. */
export function withNothingBelow(entry: Entry): Entry | null {
  if (!takesAway(entry)) return entry;
  return entry.removed === 'counted' ? null : { ...entry, removed: null };
}

const markPrefix = '.cachelane-squash-';

/** A path that only squashes have, each its own. */
function isSquashMark(path: BytePath): boolean {
  return path.startsWith(markPrefix);
}

/** Also of one of which nothing else is known any more. */
export function isSquash(index: LayerIndex): boolean {
  for (const { path } of index.special()) if (isSquashMark(path)) return true;
  return false;
}

/**
 * What a squash has beside its plan: a hint, which readers do not see. Where a layer hides all below it, the squash would otherwise be that layer, and nobody could tell whether a
 * head names the one or the other.
 */
export function squashMark(layers: readonly LayerId[]): Entry {
  return {
    path: `${markPrefix}${digestOf(layers.join(' '))}` as BytePath,
    type: 'file',
    mode: 0,
    mtimeNs: 0n,
    sizeBytes: 0,
    digest: null,
    origins: [],
    mergeClass: 'U',
    group: null,
    form: 'whole',
    removed: 'hint',
  };
}

function squashStep(
  stack: LayerStack,
  path: BytePath,
  hiddenGroups: readonly ReadonlySet<string>[],
): SquashStep | undefined {
  const { layers } = stack;
  const removal = nearestRemoval(stack, path);
  if (removal !== undefined) return { kind: 'removed', entry: removal };
  const { versions, open } = stack.versions(path);
  const nearest = versions[0];
  if (nearest === undefined) {
    const hint = nearestHint(layers, path);
    return hint === undefined ? undefined : { kind: 'removed', entry: hint };
  }
  const { entry } = nearest;
  if (entry.type === 'dir') return { kind: 'keep', found: nearest, below: hidesBelow(stack, path, nearest) };
  if (entry.group !== null && hiddenGroups[nearest.depth]?.has(entry.group) === true) return undefined;
  if (!mergesVersions(entry.mergeClass)) return { kind: 'keep', found: nearest, below: false };
  if (versions.length === 1 && (entry.form === 'whole' || open)) return { kind: 'keep', found: nearest, below: !open };
  const whole = !open || versions.some((version) => version.entry.form === 'whole');
  return { kind: 'compose', versions, form: whole ? 'whole' : 'delta', below: !open };
}

/** What layers further down have at the path was not wanted by the run; what the layers have there was wanted since, or by another one. */
function nearestHint(layers: readonly StackLayer[], path: BytePath): Entry | undefined {
  for (const { index } of layers) {
    const entry = index.find(path);
    if (entry !== undefined) return entry.removed === 'hint' ? entry : undefined;
  }
  return undefined;
}

/** The counted removal that decides the path, where one does. */
function nearestRemoval(stack: LayerStack, path: BytePath): Entry | undefined {
  const reach = stack.reachOf(path);
  for (let depth = 0; depth < reach; depth++) {
    const entry = stack.entryAt(depth, path);
    if (entry !== undefined) return entry.removed === 'counted' ? entry : undefined;
  }
  return undefined;
}

/** Whether anything from the nearest directory entry downwards cuts off what lies below the directory in lower layers. */
function hidesBelow(stack: LayerStack, path: BytePath, nearest: Found): boolean {
  const reach = stack.reachOf(path);
  for (let depth = nearest.depth; depth < reach; depth++) {
    const entry = stack.entryAt(depth, path);
    if (entry !== undefined && (entry.removed !== null || entry.type !== 'dir')) return true;
  }
  return false;
}

/** For each depth: the groups that a layer above it holds complete. */
function groupsHiddenAt(layers: readonly StackLayer[]): readonly ReadonlySet<string>[] {
  const hidden: ReadonlySet<string>[] = [];
  let above: ReadonlySet<string> = new Set();
  for (const layer of layers) {
    hidden.push(above);
    const own = groupsOf(layer.index);
    if (own.size > 0) above = new Set([...above, ...own]);
  }
  return hidden;
}

import { ancestors, type BytePath } from '../layers/byte-path.ts';
import { digestOf } from '../base/digest.ts';
import type { Entry, LayerId, LayerIndex } from '../layers/entry.ts';
import { groupsOf, LayerStack, mergesVersions, type Found, type StackLayer } from './stack.ts';

/** The content of a squash at one path. */
export type SquashStep =
  /** The entry of one layer. With `below`, lower layers must not count at or under the path (`Removal`). */
  | { readonly kind: 'keep'; readonly found: Found; readonly below: boolean }
  /** Several versions for the driver to merge. `form` is `delta` if none is whole and nothing hides lower layers. */
  | {
      readonly kind: 'compose';
      readonly versions: readonly Found[];
      readonly form: 'whole' | 'delta';
      readonly below: boolean;
    }
  /** A counted removal, or a hint if there is nothing else. */
  | { readonly kind: 'removed'; readonly entry: Entry };

/**
 * Yields a single layer with the effect of several: replacing `layers` by the squash changes no path of the stack. In
 * byte order.
 */
export function* squashPlan(layers: readonly StackLayer[]): Generator<readonly [BytePath, SquashStep]> {
  const stack = new LayerStack(layers);
  const hiddenGroups = groupsHiddenAt(layers);
  const cut = new Set<BytePath>();
  for (const path of stack.paths()) {
    if (isSquashMark(path)) continue;
    const step = squashStep(stack, path, hiddenGroups);
    if (step === undefined) continue;
    // Lower layers do not count there anyway.
    if (step.kind === 'removed' && cut.size > 0 && ancestors(path).some((ancestor) => cut.has(ancestor))) continue;
    if (step.kind === 'keep' && step.below && step.found.entry.type === 'dir') cut.add(path);
    yield [path, step];
  }
}

/** Returns whether the layer removes entries of classes whose removals count only in a clean-up. */
export function isCleanUp(index: LayerIndex): boolean {
  for (const entry of index.special()) if (takesAway(entry)) return true;
  return false;
}

function takesAway({ mergeClass, removed }: Entry): boolean {
  return (removed === 'counted' || removed === 'below') && mergeClass !== 'D' && mergeClass !== 'G';
}

/** Returns a clean-up's entry if there is nothing below to remove; null if nothing is left. */
export function withNothingBelow(entry: Entry): Entry | null {
  if (!takesAway(entry)) return entry;
  return entry.removed === 'counted' ? null : { ...entry, removed: null };
}

const markPrefix = '.cachelane-squash-';

/** Each squash has such a path of its own. */
function isSquashMark(path: BytePath): boolean {
  return path.startsWith(markPrefix);
}

/** Returns whether the layer is a squash, even without its record. */
export function isSquash(index: LayerIndex): boolean {
  for (const { path } of index.special()) if (isSquashMark(path)) return true;
  return false;
}

/**
 * Returns a hint that readers ignore. Without it, a squash could equal one of its layers (one that hides all below
 * it), and heads could not tell them apart.
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

/**
 * Returns the nearest hint. The run did not want the lower versions; the layers' own versions were wanted later or by
 * another run.
 */
function nearestHint(layers: readonly StackLayer[], path: BytePath): Entry | undefined {
  for (const { index } of layers) {
    const entry = index.find(path);
    if (entry !== undefined) return entry.removed === 'hint' ? entry : undefined;
  }
  return undefined;
}

/** Returns the counted removal that decides the path, if any. */
function nearestRemoval(stack: LayerStack, path: BytePath): Entry | undefined {
  const reach = stack.reachOf(path);
  for (let depth = 0; depth < reach; depth++) {
    const entry = stack.entryAt(depth, path);
    if (entry !== undefined) return entry.removed === 'counted' ? entry : undefined;
  }
  return undefined;
}

/** Returns whether an entry at or below the nearest one hides lower contents of the directory. */
function hidesBelow(stack: LayerStack, path: BytePath, nearest: Found): boolean {
  const reach = stack.reachOf(path);
  for (let depth = nearest.depth; depth < reach; depth++) {
    const entry = stack.entryAt(depth, path);
    if (entry !== undefined && (entry.removed !== null || entry.type !== 'dir')) return true;
  }
  return false;
}

/** Returns, for each depth, the groups that a higher layer holds completely. */
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

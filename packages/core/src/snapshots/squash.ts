import { ancestors, type BytePath } from '../layers/byte-path.ts';
import type { Entry } from '../layers/entry.ts';
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
    const step = squashStep(stack, path, hiddenGroups);
    if (step === undefined) continue;
    // What lies further down does not count there anyway.
    if (step.kind === 'removed' && cut.size > 0 && ancestors(path).some((ancestor) => cut.has(ancestor))) continue;
    if (step.kind === 'keep' && step.below && step.found.entry.type === 'dir') cut.add(path);
    yield [path, step];
  }
}

function squashStep(
  stack: LayerStack,
  path: BytePath,
  hiddenGroups: readonly ReadonlySet<string>[],
): SquashStep | undefined {
  const removal = nearestRemoval(stack, path);
  if (removal !== undefined) return { kind: 'removed', entry: removal };
  const { versions, open } = stack.versions(path);
  const nearest = versions[0];
  if (nearest === undefined) return undefined;
  const { entry } = nearest;
  if (entry.type === 'dir') return { kind: 'keep', found: nearest, below: hidesBelow(stack, path, nearest) };
  if (entry.group !== null && hiddenGroups[nearest.depth]?.has(entry.group) === true) return undefined;
  if (!mergesVersions(entry.mergeClass)) return { kind: 'keep', found: nearest, below: false };
  if (versions.length === 1 && (entry.form === 'whole' || open)) return { kind: 'keep', found: nearest, below: !open };
  const whole = !open || versions.some((version) => version.entry.form === 'whole');
  return { kind: 'compose', versions, form: whole ? 'whole' : 'delta', below: !open };
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

import type { ChainLink } from '../lanes/chain-link.ts';
import type { BytePath } from '../layers/byte-path.ts';
import type { MergeClass } from '../layers/entry.ts';
import type { Namespace } from '../names/namespace.ts';
import { type PathRule, type StoredPart, type Tool, examplePath } from '../ports/tool.ts';

type Rules = Pick<Tool, 'classify' | 'stored'>;

/** Rules that depend on content see no files here. */
const nothingToSee = { peek: () => undefined };

/** Returns the merge class of a stored part. */
export function classOfPart({ classify }: Pick<Tool, 'classify'>, { path }: StoredPart): MergeClass | null {
  const example = examplePath(path);
  return classOf(classify(example.path, example.isDirectory, nothingToSee));
}

function classOf(rule: PathRule): MergeClass | null {
  return rule.kind === 'keep' ? rule.mergeClass : null;
}

/**
 * Returns whether contents of several namespaces may be merged path by path. Not if a part is only valid as one run
 * left it: an unknown directory, one that the last writer owns, or a single group.
 */
export function mergesByPath(tool: Rules): boolean {
  return !tool.stored.some((part) => ['D', 'W'].includes(classOfPart(tool, part) ?? '')) && !isOneGroup(tool);
}

/** Returns whether all paths are in one group. */
function isOneGroup({ classify }: Rules): boolean {
  const rules = ['one/file', 'other/file'].map((path) => classify(path as BytePath, false, nothingToSee));
  const groups = new Set(rules.map((rule) => (rule.kind === 'keep' ? rule.group : null)));
  return groups.size === 1 && !groups.has(null);
}

/** Returns whether a link is of a tier, which is a namespace other than the volume's own. */
export function isTier(own: Pick<ChainLink, 'namespace'>, { namespace }: Pick<ChainLink, 'namespace'>): boolean {
  return namespace !== own.namespace;
}

interface HeldLink {
  readonly namespace: Namespace;
  readonly layers: readonly unknown[];
}

/**
 * Returns the links that count if contents cannot be merged, nearest first: a tier counts only if no nearer link has
 * layers.
 */
export function firstSnapshot<T extends HeldLink>(
  own: Pick<ChainLink, 'namespace'>,
  links: readonly T[],
): readonly T[] {
  const first = links.findIndex(({ layers }) => layers.length > 0);
  return links.filter((link, index) => !isTier(own, link) || index === first);
}

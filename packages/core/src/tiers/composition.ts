import type { ChainLink } from '../lanes/chain-link.ts';
import type { BytePath } from '../layers/byte-path.ts';
import type { MergeClass } from '../layers/entry.ts';
import type { Namespace } from '../names/namespace.ts';
import { type PathRule, type StoredPart, type Tool, examplePath } from '../ports/tool.ts';

type Rules = Pick<Tool, 'classify' | 'stored'>;

/** Rules that depend on content have no say here. */
const nothingToSee = { peek: () => undefined };

/** The class of what a tool says that it stores. */
export function classOfPart({ classify }: Pick<Tool, 'classify'>, { path }: StoredPart): MergeClass | null {
  const example = examplePath(path);
  return classOf(classify(example.path, example.isDirectory, nothingToSee));
}

function classOf(rule: PathRule): MergeClass | null {
  return rule.kind === 'keep' ? rule.mergeClass : null;
}

/**
 * Whether what several namespaces have of a volume may be laid over each other path by path. Not where a part of it makes sense only as one run left it: a directory of which nothing is known, one that the last
 * writer has, and one that is a single group.
 */
export function mergesByPath(tool: Rules): boolean {
  return !tool.stored.some((part) => ['D', 'W'].includes(classOfPart(tool, part) ?? '')) && !isOneGroup(tool);
}

/** Whatever lies in it, wherever. */
function isOneGroup({ classify }: Rules): boolean {
  const rules = ['one/file', 'other/file'].map((path) => classify(path as BytePath, false, nothingToSee));
  const groups = new Set(rules.map((rule) => (rule.kind === 'keep' ? rule.group : null)));
  return groups.size === 1 && !groups.has(null);
}

/** The links of a tier are those of another namespace than the volume's own. */
export function isTier(own: Pick<ChainLink, 'namespace'>, { namespace }: Pick<ChainLink, 'namespace'>): boolean {
  return namespace !== own.namespace;
}

interface HeldLink {
  readonly namespace: Namespace;
  readonly layers: readonly unknown[];
}

/** Of the links of a read chain (nearest first) those that count where contents are not laid over each other: a tier does so only where nothing nearer has anything. */
export function firstSnapshot<T extends HeldLink>(
  own: Pick<ChainLink, 'namespace'>,
  links: readonly T[],
): readonly T[] {
  const first = links.findIndex(({ layers }) => layers.length > 0);
  return links.filter((link, index) => !isTier(own, link) || index === first);
}

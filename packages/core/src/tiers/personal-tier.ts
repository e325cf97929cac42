import { CachelaneError } from '../base/errors.ts';
import type { ChainLink } from '../lanes/chain-link.ts';
import { type LaneName, formatLane } from '../lanes/lane.ts';
import type { LayerIndex } from '../layers/entry.ts';
import type { Namespace } from '../names/namespace.ts';
import type { Tool } from '../ports/tool.ts';
import { classOfPart } from './composition.ts';

/** The namespace of the machine's user, below all projects. It never leaves the machine. */
export const personalNamespace = '~' as Namespace;

/** The lane that feeds and reads it. CI lanes never do. */
export const personalLane: LaneName = formatLane({ trust: 'T1', kind: 'local', ref: '' });

export const personalLink: ChainLink = { namespace: personalNamespace, lane: personalLane };

export function isPersonal(namespace: string): boolean {
  return namespace === personalNamespace || namespace.startsWith(`${personalNamespace}/`);
}

/** Refuses the personal tier as a name from a repository file with E_NAMESPACE. */
export function requireNotPersonal(namespace: Namespace, source: string): Namespace {
  if (!isPersonal(namespace)) return namespace;
  throw new CachelaneError('E_NAMESPACE', `${source}: ${namespace} is the personal tier of the user`, {
    hint: 'to use it, set personal-tier: true in your own config.yaml',
  });
}

/** Refuses the personal tier with E_USAGE, because no rule or grant may extend it. */
export function requireNoPersonal(namespaces: readonly Namespace[]): void {
  const personal = namespaces.find(isPersonal);
  if (personal === undefined) return;
  throw new CachelaneError('E_USAGE', `${personal} is the personal tier of the user, which cannot be shared`, {
    hint: 'to share a cache, save it in another namespace: cachelane run -n github.com/acme -- COMMAND',
  });
}

/** The part of a cache that its tool verifies with digests: all, some names in its root, or nothing. */
export type Verified = 'all' | ReadonlySet<string> | null;

/** Lines, rows and stamps only name or date contents; the contents are verified instead. */
const naming: ReadonlySet<string | null> = new Set(['A', 'L', 'Q', null]);

/** Returns the part that may move between projects that do not trust each other. */
export function verifiedOf(tool: Pick<Tool, 'classify' | 'stored'>): Verified {
  const contents = tool.stored.filter((part) => !naming.has(classOfPart(tool, part)));
  if (contents.length === 0) return null;
  const [unchecked, checked] = [true, false].map((isNever) =>
    contents.filter((part) => (part.checked === 'never') === isNever).map(({ path }) => rootOf(path)),
  );
  if (unchecked?.length === 0) return 'all';
  const refused = new Set(unchecked);
  if (new Set(checked).isSubsetOf(refused)) return null;
  const names = tool.stored.filter((part) => !contents.includes(part)).map(({ path }) => rootOf(path));
  return new Set([...(checked ?? []), ...names]).difference(refused);
}

function rootOf(path: string): string {
  const slash = path.indexOf('/');
  return slash < 0 ? path : path.slice(0, slash);
}

/** Returns the first path of a layer that its tool does not verify; null if there is none. */
export function unverifiedIn(index: Pick<LayerIndex, 'entries'>, verified: Verified): string | null {
  if (verified === 'all') return null;
  for (const { path } of index.entries()) {
    if (verified === null || !verified.has(rootOf(path))) return path;
  }
  return null;
}

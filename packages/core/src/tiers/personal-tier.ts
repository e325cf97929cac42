import { CachelaneError } from '../base/errors.ts';
import type { ChainLink } from '../lanes/chain-link.ts';
import { type LaneName, formatLane } from '../lanes/lane.ts';
import type { LayerIndex } from '../layers/entry.ts';
import type { Namespace } from '../names/namespace.ts';
import type { Tool } from '../ports/tool.ts';
import { classOfPart } from './composition.ts';

/** The namespace of whoever owns this machine, below all projects; it never leaves it. */
export const personalNamespace = '~' as Namespace;

/** The lane that feeds it and that it is read in: no lane of a CI system has a part in it. */
export const personalLane: LaneName = formatLane({ trust: 'T1', kind: 'local', ref: '' });

export const personalLink: ChainLink = { namespace: personalNamespace, lane: personalLane };

export function isPersonal(namespace: string): boolean {
  return namespace === personalNamespace || namespace.startsWith(`${personalNamespace}/`);
}

/** A name that a file in the repository chose. Throws E_NAMESPACE for a person's own tier: whether a project has a part in that is not for its files to say. */
export function requireNotPersonal(namespace: Namespace, source: string): Namespace {
  if (!isPersonal(namespace)) return namespace;
  throw new CachelaneError('E_NAMESPACE', `${source}: ${namespace} is the tier of whoever owns the machine`, {
    hint: 'personal-tier: true in their own config.yaml is what reads and feeds it',
  });
}

/** Throws E_USAGE for a person's own tier: no rule, grant or other name makes more of it than their opt-in does. */
export function requireNoPersonal(namespaces: readonly Namespace[]): void {
  const personal = namespaces.find(isPersonal);
  if (personal === undefined) return;
  throw new CachelaneError('E_USAGE', `${personal} is the tier of whoever owns the machine: it is shared with nobody`, {
    hint: 'what others are to have belongs to a namespace of theirs: cachelane run -n github.com/acme -- COMMAND',
  });
}

/** What of a cache its tool itself holds against a digest: all, what lies at some names in its root, or nothing. */
export type Verified = 'all' | ReadonlySet<string> | null;

/** Lines, rows and stamps only name contents or date them: what they lead to is what has to be verified. */
const naming: ReadonlySet<string | null> = new Set(['A', 'L', 'Q', null]);

/** What of it may go from one project to another without either trusting the other. */
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

/** The first path of a layer that its tool does not verify; null where it has none. */
export function unverifiedIn(index: Pick<LayerIndex, 'entries'>, verified: Verified): string | null {
  if (verified === 'all') return null;
  for (const { path } of index.entries()) {
    if (verified === null || !verified.has(rootOf(path))) return path;
  }
  return null;
}

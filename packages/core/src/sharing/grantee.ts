import { isScopeOf, parseNamespace, type Namespace } from '../names/namespace.ts';

/** Whom something is shared with, or comes from: a namespace, and those below it where that is said. */
export interface Grantee {
  readonly namespace: Namespace;
  /** Those below it as well. */
  readonly below: boolean;
}

const belowMark = '/**';

/** `github.com/acme/api`, or `github.com/acme/**` for that one and those below it. Throws E_NAMESPACE; `source` says who gave it. */
export function parseGrantee(text: string, source: string): Grantee {
  const below = text.endsWith(belowMark);
  return { namespace: parseNamespace(below ? text.slice(0, -belowMark.length) : text, source), below };
}

export function granteeText({ namespace, below }: Grantee): string {
  return below ? `${namespace}${belowMark}` : namespace;
}

/** Whether one of a namespace's names is meant. Scopes of libraries are part of the project that they lie in. */
export function isCovered({ namespace, below }: Grantee, names: readonly Namespace[]): boolean {
  return names.some(
    (name) => name === namespace || isScopeOf(namespace, name) || (below && name.startsWith(`${namespace}/`)),
  );
}

import { isScopeOf, parseNamespace, type Namespace } from '../names/namespace.ts';

/** A namespace, optionally with all namespaces below it, that a grant or feed rule names. */
export interface Grantee {
  readonly namespace: Namespace;
  /** Whether namespaces below it are included. */
  readonly below: boolean;
}

const belowMark = '/**';

/**
 * Parses `github.com/acme/api`, or `github.com/acme/**` for a namespace and all below it. Throws E_NAMESPACE with the
 * `source` of the text.
 */
export function parseGrantee(text: string, source: string): Grantee {
  const { namespace, below } = granteeOf(text);
  return { namespace: parseNamespace(namespace, source), below };
}

/** Parses the output of {@link granteeText}. */
export function granteeOf(text: string): Grantee {
  const below = text.endsWith(belowMark);
  return { namespace: (below ? text.slice(0, -belowMark.length) : text) as Namespace, below };
}

export function granteeText({ namespace, below }: Grantee): string {
  return below ? `${namespace}${belowMark}` : namespace;
}

/** Returns whether the grantee includes one of the names. Scopes of libraries are part of their project. */
export function isCovered({ namespace, below }: Grantee, names: readonly Namespace[]): boolean {
  return names.some(
    (name) => name === namespace || isScopeOf(namespace, name) || (below && name.startsWith(`${namespace}/`)),
  );
}

/** Returns all grantees that include one of the names, each once, for look-ups by key. */
export function coveringGrantees(names: readonly Namespace[]): readonly Grantee[] {
  const covering = names.flatMap((name) => {
    const segments = name.split('/');
    const line = segments.map((_, index) => segments.slice(0, index + 1).join('/') as Namespace);
    const all = line.flatMap((namespace) => [true, false].map((below) => ({ namespace, below })));
    return all.filter((grantee) => isCovered(grantee, [name]));
  });
  return [...new Map(covering.map((grantee) => [granteeText(grantee), grantee])).values()];
}

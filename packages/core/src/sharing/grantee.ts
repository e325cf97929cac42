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
  const { namespace, below } = granteeOf(text);
  return { namespace: parseNamespace(namespace, source), below };
}

/** Of what {@link granteeText} gave. */
export function granteeOf(text: string): Grantee {
  const below = text.endsWith(belowMark);
  return { namespace: (below ? text.slice(0, -belowMark.length) : text) as Namespace, below };
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

/** All that {@link isCovered} finds one of the names in, each once: whoever keeps very many looks these up. */
export function coveringGrantees(names: readonly Namespace[]): readonly Grantee[] {
  const covering = names.flatMap((name) => {
    const segments = name.split('/');
    const line = segments.map((_, index) => segments.slice(0, index + 1).join('/') as Namespace);
    const all = line.flatMap((namespace) => [true, false].map((below) => ({ namespace, below })));
    return all.filter((grantee) => isCovered(grantee, [name]));
  });
  return [...new Map(covering.map((grantee) => [granteeText(grantee), grantee])).values()];
}

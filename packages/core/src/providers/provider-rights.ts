import { isProviderKind, type ProviderKind, type ProviderRef } from './provider-ref.ts';

/**
 * Who says which provider a volume has, the highest first: a flag of the command, its environment, the person's own file, a file in the repository. What a confined session says of itself is an environment that
 * is trusted as far as a file in the repository.
 */
export const providerSources = ['flag', 'environment', 'user', 'session', 'repository'] as const;
export type ProviderSourceKind = (typeof providerSources)[number];

/** `own`: whatever it names; `granted`: outside the project and its parents only what is shared with it. */
export type ProviderRight =
  | { readonly kind: 'own' }
  | { readonly kind: 'granted' }
  | { readonly kind: 'refused'; readonly why: string };

const own: ProviderRight = { kind: 'own' };
const granted: ProviderRight = { kind: 'granted' };
const refused = (why: string): ProviderRight => ({ kind: 'refused', why });

/** What a file in the repository may choose, and what is the person's alone: it lowers and chooses, and never reaches out. */
const ofRepository: Readonly<Record<ProviderKind, ProviderRight>> = {
  project: granted,
  catalog: granted,
  none: own,
  dir: refused('would name any directory of this machine'),
  host: refused('would read what this machine keeps for others'),
  'docker-volume': refused('would name a directory of this machine'),
  oci: refused('would have this machine fetch from anywhere'),
};

export function providerRight(source: ProviderSourceKind, { kind }: Pick<ProviderRef, 'kind'>): ProviderRight {
  switch (source) {
    case 'flag':
    case 'environment':
    case 'user':
      return own;
    case 'session':
    case 'repository':
      return isProviderKind(kind) ? ofRepository[kind] : refused('would have a program of this machine run');
  }
}

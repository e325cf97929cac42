import { isProviderKind, type ProviderKind, type ProviderRef } from './provider-ref.ts';

/**
 * The sources of a provider choice, highest first. A confined session's own choice is trusted like a file in the
 * repository.
 */
export const providerSources = ['flag', 'environment', 'user', 'session', 'repository'] as const;
export type ProviderSourceKind = (typeof providerSources)[number];

/** `own`: any target; `granted`: outside the project and its parents only what is shared with it. */
export type ProviderRight =
  | { readonly kind: 'own' }
  | { readonly kind: 'granted' }
  | { readonly kind: 'refused'; readonly why: string };

const own: ProviderRight = { kind: 'own' };
const granted: ProviderRight = { kind: 'granted' };
const refused = (why: string): ProviderRight => ({ kind: 'refused', why });

/** The rights of a file in the repository. It may choose providers inside the project, but not reach the machine. */
const ofRepository: Readonly<Record<ProviderKind, ProviderRight>> = {
  project: granted,
  catalog: granted,
  none: own,
  dir: refused('would name any directory of this machine'),
  host: refused('would read caches that this machine keeps for others'),
  'docker-volume': refused('would name a directory of this machine'),
  oci: refused('would download from any registry'),
};

export function providerRight(source: ProviderSourceKind, { kind }: Pick<ProviderRef, 'kind'>): ProviderRight {
  switch (source) {
    case 'flag':
    case 'environment':
    case 'user':
      return own;
    case 'session':
    case 'repository':
      return isProviderKind(kind) ? ofRepository[kind] : refused('would run a program of this machine');
  }
}

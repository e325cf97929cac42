import { CachelaneError, compareTrust, type Context, type TrustLevel } from '@cachelane/core';
import { requireWritable } from '../base/require-writable.ts';

/** What a namespace shares is said where a run may save, and by none that nobody vouches for. Throws E_USAGE. */
export function requireSharing(context: Pick<Context, 'lane' | 'canWrite' | 'trust' | 'why'>): void {
  requireWritable(context);
  if (context.trust !== 'T0') return;
  throw new CachelaneError('E_USAGE', `a run of level T0 shares nothing: ${context.why}`, {
    hint: 'do this where somebody vouches for what runs',
  });
}

/** The level of lanes that may write: the run's own where none is named, and none above it. Throws E_USAGE. */
export function grantedTrust(context: Pick<Context, 'trust'>, asked: TrustLevel | null): TrustLevel {
  const trust = asked ?? context.trust;
  if (trust === 'T0') {
    throw new CachelaneError('E_USAGE', 'nothing is granted to lanes of level T0: anybody may have one', {
      hint: 'T1, T2 and T3 are levels that somebody vouches for',
    });
  }
  if (compareTrust(trust, context.trust) <= 0) return trust;
  throw new CachelaneError('E_USAGE', `a run of level ${context.trust} gives no grant for lanes of level ${trust}`, {
    hint: `do this in a run of level ${trust}, or for ${context.trust}`,
  });
}

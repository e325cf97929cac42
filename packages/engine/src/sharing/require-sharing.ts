import { CachelaneError, compareTrust, type Context, type TrustLevel } from '@cachelane/core';
import { requireWritable } from '../base/require-writable.ts';

/** Throws E_USAGE unless the run may save and has a trust level above T0. */
export function requireSharing(context: Pick<Context, 'lane' | 'canWrite' | 'trust' | 'why'>): void {
  requireWritable(context);
  if (context.trust !== 'T0') return;
  throw new CachelaneError('E_USAGE', `a run of trust level T0 cannot share: ${context.why}`, {
    hint: 'do this in a trusted run',
  });
}

/** Returns the trust level that lanes need to write: by default the run's own, and never above it. Throws E_USAGE. */
export function grantedTrust(context: Pick<Context, 'trust'>, asked: TrustLevel | null): TrustLevel {
  const trust = asked ?? context.trust;
  if (trust === 'T0') {
    throw new CachelaneError('E_USAGE', 'lanes of trust level T0 cannot get a grant: any run may have one', {
      hint: 'use T1, T2 or T3',
    });
  }
  if (compareTrust(trust, context.trust) <= 0) return trust;
  throw new CachelaneError('E_USAGE', `a run of trust level ${context.trust} cannot grant to lanes of level ${trust}`, {
    hint: `do this in a run of level ${trust}, or grant to ${context.trust}`,
  });
}

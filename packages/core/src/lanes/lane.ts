export type TrustLevel = 'T0' | 'T1' | 'T2' | 'T3';
/** `t1:ref:feat-a`: who writes. Trust level, kind and ref, the ref escaped like a namespace segment but with `/` kept. */
export type LaneName = string & { readonly __laneName: unique symbol };

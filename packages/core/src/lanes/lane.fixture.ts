import fc from 'fast-check';
import { escapeRef, formatLane, type LaneKind, type LaneName, type TrustLevel, trustLevels } from './lane.ts';

export const anyTrust: fc.Arbitrary<TrustLevel> = fc.constantFrom(...trustLevels);

const anyRef: fc.Arbitrary<string> = fc
  .oneof(
    fc.constantFrom('main', 'feat-a', 'release/1.2', '12'),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
  )
  .map((text) => escapeRef(text) ?? 'x');

const kindsOf: Readonly<Record<TrustLevel, readonly LaneKind[]>> = {
  T0: ['run'],
  T1: ['ref', 'tag', 'pr', 'mq', 'user', 'local'],
  T2: ['ref', 'tag'],
  T3: ['env'],
};

export const anyLane: fc.Arbitrary<LaneName> = anyTrust.chain((trust) =>
  fc
    .record({ kind: fc.constantFrom(...kindsOf[trust]), ref: anyRef })
    .map(({ kind, ref }) => formatLane({ trust, kind, ref: kind === 'local' ? '' : ref })),
);

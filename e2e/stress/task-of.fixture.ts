import type { Task } from './acts.fixture.ts';
import type { Act, Place } from './told.fixture.ts';

const tiers = ['fed-local', 'tier-local'] as const;
const owning = ['keep-local', 'keep-feature', 'wild-local', 'wild-feature', 'brief-feature'] as const;
const anywhere = [...owning, ...tiers] as const;
const wild = ['wild-local', 'wild-feature', ...tiers] as const;
const local = ['keep-local', 'wild-local', 'tier-local'] as const;

/** How often each act occurs in a thousand, and where. Acts that start `cachelane` cost a process each. */
const weights: Readonly<Record<Act, readonly [number, readonly Place[]]>> = {
  add: [580, anywhere],
  change: [90, anywhere],
  // A removed file stays in the tier until the next feed.
  remove: [60, owning],
  prune: [40, local],
  look: [40, anywhere],
  collect: [60, ['keep-local']],
  verify: [4, ['keep-local']],
  rename: [20, ['keep-local']],
  copy: [6, ['copy-local']],
  rm: [12, wild],
  'roll back': [30, wild],
  revoke: [20, wild],
  policy: [12, ['wild-local', 'wild-feature']],
  'run by the program': [14, ['keep-local', 'wild-local']],
  'gc by the program': [8, ['keep-local']],
  'rm by the program': [4, ['wild-local', 'wild-feature']],
};

const total = Object.values(weights).reduce((sum, [weight]) => sum + weight, 0);

/** Returns the operation for these numbers. */
export function taskOf(number: number, chance: () => number): Task {
  let left = chance() * total;
  for (const [act, [weight, places]] of Object.entries(weights) as readonly [Act, (typeof weights)[Act]][]) {
    left -= weight;
    if (left >= 0) continue;
    return { number, act, place: places[Math.floor(chance() * places.length)] as Place, chance };
  }
  throw new Error('unreachable: the weights cover every number');
}

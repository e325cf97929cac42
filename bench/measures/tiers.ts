import type { Bench } from '../bench.ts';
import { childArgv } from '../children.ts';
import type { TierNames } from '../children/tier-names.ts';
import { textOf } from '../processes.ts';
import { summarize } from '../statistics.ts';
import { atMost, milliseconds, type Section } from '../table.ts';

const tiers = 5;
const volumes = 1000;

/** Measures resolving a name that only the farthest of several tiers has, in one process. */
export function measureTiers(bench: Bench): Section {
  bench.say(`${tiers} tiers of ${volumes} volumes`);
  const home = bench.path('tiers/home');
  const argv = childArgv('tier-names', home, String(tiers), String(volumes), String(bench.rounds));
  const took = JSON.parse(textOf(argv)) as TierNames;
  const [open, explain] = [summarize(took.open), summarize(took.explain)];
  const volume = `${tiers} tiers, ${volumes.toLocaleString('en-US')} volumes each`;
  return {
    title: 'Tiers',
    rows: [
      {
        what: 'resolve a name in the farthest tier',
        volume,
        measured: milliseconds(open),
        bar: atMost(5, 'ms', open),
      },
      { what: '`explain` of all tiers', volume, measured: milliseconds(explain) },
    ],
  };
}

import type { Bench } from '../bench.ts';
import type { Section } from '../table.ts';
import { changedRows, wholeRows } from './wire-pack.ts';
import { saveChanged, saveWhole } from './wire-corpus.ts';
import { pullRows } from './wire-pull.ts';

/** Measures layers on their way to other machines: packing and importing, in separate stores. */
export function measureWire(bench: Bench): readonly Section[] {
  const measured = bench.corpora.map((corpus) => {
    bench.say(`wire: ${corpus.name}`);
    const saved = saveWhole(bench, corpus);
    const whole = wholeRows(bench, saved);
    return { whole, changed: changedRows(bench, saveChanged(bench, saved)), pull: pullRows(bench, saved) };
  });
  return [
    { title: 'Wire form of everything, digests checked', rows: measured.flatMap(({ whole }) => whole) },
    { title: 'Wire form of 1 %', rows: measured.flatMap(({ changed }) => changed) },
    { title: 'A layer of everything over a link of 1 Gbit/s', rows: measured.flatMap(({ pull }) => pull) },
  ];
}

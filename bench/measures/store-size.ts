import { join } from 'node:path';
import type { Bench } from '../bench.ts';
import { childArgv } from '../children.ts';
import type { StoreCosts } from '../children/store-costs.ts';
import { textOf } from '../processes.ts';
import { summarize } from '../statistics.ts';
import { milliseconds, timesFaster, type Row, type Section } from '../table.ts';

const costs: Readonly<Record<keyof StoreCosts, string>> = {
  open: 'a run that changes nothing, from open to end',
  save: 'a run that saves a file',
  squash: '- a run that also squashes',
  collectNothing: 'a collection that finds nothing',
  collectTen: '- one that finds ten layers',
};

/**
 * Measures runs and collections by the store's size, with ten layers in each namespace. One process does all the work. The rounds
 * are not interleaved, because a store of 100,000 layers takes minutes to create.
 */
export function measureStoreSize(bench: Bench, sizes: readonly number[]): Section {
  const measured = sizes.map((layers) => {
    bench.say(`a store of ${layers} layers`);
    const home = bench.path(join(`store-of-${layers}`, 'home'));
    return { layers, costs: costsOf(bench, home, layers) };
  });
  const [smallest] = measured;
  const rows = (Object.keys(costs) as readonly (keyof StoreCosts)[]).flatMap((kind) =>
    measured.map(({ layers, costs: own }): Row => {
      const took = summarize(own[kind]);
      const row = {
        what: costs[kind],
        volume: `${layers.toLocaleString('en-US')} layers`,
        measured: milliseconds(took),
      };
      if (smallest === undefined || layers === smallest.layers) return row;
      const least = summarize(smallest.costs[kind]);
      const peer = `${smallest.layers.toLocaleString('en-US')} layers ${milliseconds(least)}`;
      return { ...row, peer, ratio: timesFaster(least, took) };
    }),
  );
  return { title: 'Store size', rows };
}

function costsOf(bench: Bench, home: string, layers: number): StoreCosts {
  return JSON.parse(textOf(childArgv('store-costs', home, String(layers), String(bench.rounds)))) as StoreCosts;
}

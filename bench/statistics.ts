/** One contender's measurements in one round, by metric. Milliseconds unless the name says otherwise. */
export type Sample = Readonly<Record<string, number>>;

export interface Rounds {
  readonly rounds: number;
  /** Discards the first round. */
  readonly warmUp: boolean;
}

/**
 * Runs the contenders in turn, A B C A B C …, so that a disturbance affects all of them. A contender gets the number of the
 * round, including the warm-up.
 */
export function interleave<T extends Readonly<Record<string, Sample>>>(
  { rounds, warmUp }: Rounds,
  contenders: { readonly [K in keyof T]: (round: number) => T[K] },
): { readonly [K in keyof T]: readonly T[K][] } {
  const names = Object.keys(contenders) as (keyof T)[];
  const samples = Object.fromEntries(names.map((name) => [name, []])) as unknown as { [K in keyof T]: T[K][] };
  for (let round = 0; round < rounds + (warmUp ? 1 : 0); round += 1) {
    for (const name of names) {
      const sample = contenders[name](round);
      if (round > 0 || !warmUp) samples[name].push(sample);
    }
  }
  return samples;
}

export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function summarize(values: readonly number[]): Summary {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  const middle = (sorted.length - 1) / 2;
  return {
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    min: at(0),
    max: at(sorted.length - 1),
  };
}

/** Returns the summary of one metric over the rounds. */
export function summaryOf<S extends Sample>(samples: readonly S[], metric: keyof S): Summary {
  return summarize(samples.map((sample) => Number(sample[metric])));
}

/** Returns how much longer the first took than the second, by round. */
export function differenceOf(first: readonly { ms: number }[], second: readonly { ms: number }[]): Summary {
  return summarize(first.map(({ ms }, round) => ms - (second[round]?.ms ?? Number.NaN)));
}

/** Returns the ratio of the first to the second, by round. */
export function ratioOf(first: readonly Sample[], second: readonly Sample[], metric: string = 'ms'): Summary {
  return summarize(first.map((sample, round) => Number(sample[metric]) / Number(second[round]?.[metric])));
}

import type { FuzzTarget, TargetFactory } from './fuzz-target.fixture.ts';

// Targets with the faults that the watch must find.

/** Hangs, except on empty input. */
const endless: FuzzTarget<null> = {
  refusals: [],
  bases: [Buffer.from('x')],
  pieces: () => [],
  mend: () => {},
  async accept(input) {
    await Promise.resolve();
    while (input.length > 0);
    return null;
  },
  hold: async () => await Promise.resolve(),
  after: () => {},
  close: () => {},
};

/** Uses as much memory as the input says. */
const greedy: FuzzTarget<null> = {
  ...endless,
  async accept() {
    await Promise.resolve();
    Buffer.alloc(800_000_000, 1);
    return null;
  },
};

export const targets: Readonly<Record<string, TargetFactory>> = {
  endless: async () => await Promise.resolve(endless),
  greedy: async () => await Promise.resolve(greedy),
};

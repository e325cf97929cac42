import type { Clock, Remote } from '@cachelane/core';

/** Processes that call a remote one at a time, in an order that the test chooses. */
export interface Turns {
  /** Wraps a remote so that each call waits for its turn. Calls for keys that only one process uses do not wait. */
  remote(name: string, inner: Remote): Remote;
  /** Wraps a clock so that a pause lasts until another process acts. */
  clock(name: string, inner: Clock): Clock;
}

type Start = (turns: Turns) => Readonly<Record<string, () => Promise<void>>>;

/** The next call of a process. */
interface Step {
  /** `head …` or `object …`; a listing ends with a slash or a space. Null: it touches everything. */
  readonly key: string | null;
  readonly writes: boolean;
  readonly isPause: boolean;
}

interface Waiting {
  readonly step: Step;
  readonly go: () => void;
}

/** Whether both orders of two steps give the same result. */
function areIndependent(a: Step | undefined, b: Step | undefined): boolean {
  if (a === undefined || b === undefined || a.key === null || b.key === null) return false;
  const overlap = a.key.startsWith(b.key) || b.key.startsWith(a.key);
  return !overlap || (!a.writes && !b.writes);
}

/** Plays the processes to their ends. `choose` picks the next process at each step. */
async function play(
  start: Start,
  choose: (ready: ReadonlyMap<string, Step>) => string,
  look: () => void,
): Promise<void> {
  const waiting = new Map<string, Waiting>();
  let running = 0;
  let quiet: (() => void) | undefined;
  const rest = (): void => {
    running -= 1;
    if (running === 0) quiet?.();
  };
  const turn = async (name: string, step: Step): Promise<void> =>
    await new Promise<void>((resolve) => {
      waiting.set(name, { step, go: resolve });
      rest();
    });
  const untilQuiet = async (count: number, act: () => void): Promise<void> =>
    await new Promise<void>((resolve) => {
      quiet = resolve;
      running = count;
      act();
    });
  const processes = Object.values(start(turnsOf(turn)));
  const ends: Promise<void>[] = [];
  await untilQuiet(processes.length, () => {
    for (const process of processes) ends.push(process().finally(rest));
  });
  while (waiting.size > 0) {
    const awake = [...waiting].filter(([, { step }]) => !step.isPause);
    const ready = (awake.length > 0 ? awake : [...waiting]).toSorted(([a], [b]) => (a < b ? -1 : 1));
    const next = choose(new Map(ready.map(([name, { step }]) => [name, step])));
    const { go } = waiting.get(next) ?? {};
    waiting.delete(next);
    await untilQuiet(1, () => go?.());
    // Waiting processes check again.
    for (const [name, each] of waiting) {
      if (name !== next) waiting.set(name, { ...each, step: { ...each.step, isPause: false } });
    }
    look();
  }
  await Promise.all(ends);
}

interface Branch {
  readonly order: readonly string[];
  /** Processes whose next step was already explored from here. */
  readonly asleep: readonly string[];
}

/**
 * Plays every order of calls and returns how many. Skips orders that differ only in independent steps. Stops early when `look`, called
 * after each step, returns 'enough'; orders that differ early come first.
 */
export async function playAll(start: Start, look: () => 'enough' | undefined): Promise<number> {
  let count = 0;
  const seen = { isEnough: false };
  const branches: Branch[] = [{ order: [], asleep: [] }];
  for (let branch = branches.shift(); branch !== undefined && !seen.isEnough; branch = branches.shift()) {
    const { order: prefix, asleep: first } = branch;
    const order: string[] = [];
    let asleep = first;
    await play(
      start,
      (ready) => {
        const wished = prefix[order.length];
        if (wished !== undefined) {
          order.push(wished);
          return wished;
        }
        const [next = '', ...others] = [...ready.keys()].filter((name) => !asleep.includes(name));
        // Every outcome is known: play on only to end the processes.
        const chosen = next === '' ? ([...ready.keys()][0] ?? '') : next;
        const tried = [...asleep, chosen];
        for (const other of others) {
          const still = tried.filter((name) => areIndependent(ready.get(name), ready.get(other)));
          branches.push({ order: [...order, other], asleep: still });
          tried.push(other);
        }
        asleep =
          next === '' ? [...ready.keys()] : asleep.filter((name) => areIndependent(ready.get(name), ready.get(chosen)));
        order.push(chosen);
        return chosen;
      },
      () => {
        seen.isEnough ||= look() === 'enough';
      },
    );
    count += 1;
  }
  return count;
}

const ownKeys = /^(clock\/|uses\/|about$)/;

function turnsOf(turn: (name: string, step: Step) => Promise<void>): Turns {
  return {
    remote(name, inner) {
      // Calls that one process makes at once run one after the other.
      let last: Promise<unknown> = Promise.resolve();
      const step = <T>(place: string, key: string, writes: boolean, act: () => Promise<T>): Promise<T> => {
        if (ownKeys.test(key)) return act();
        const mine = last.then(async () => {
          await turn(name, { key: `${place} ${key}`, writes, isPause: false });
          return await act();
        });
        last = mine.catch(() => undefined);
        return mine;
      };
      const { objects, heads } = inner;
      return {
        ...inner,
        objects: {
          ...objects,
          put: (key, source, signal) => step('object', key, true, () => objects.put(key, source, signal)),
          renew: (key, source, signal) => step('object', key, true, () => objects.renew(key, source, signal)),
          stat: (key, signal) => step('object', key, false, () => objects.stat(key, signal)),
          list: (prefix, page, signal) => step('object', prefix, false, () => objects.list(prefix, page, signal)),
          remove: (key, signal) => step('object', key, true, () => objects.remove(key, signal)),
        },
        heads: {
          ...heads,
          read: (key, signal) => step('head', key, false, () => heads.read(key, signal)),
          swap: (request, signal) => step('head', request.key, true, () => heads.swap(request, signal)),
          list: (prefix, page, signal) => step('head', prefix, false, () => heads.list(prefix, page, signal)),
        },
      };
    },
    clock: (name, inner) => ({
      ...inner,
      sleep: async () => await turn(name, { key: null, writes: true, isPause: true }),
    }),
  };
}

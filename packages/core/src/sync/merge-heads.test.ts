import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LayerId } from '../layers/entry.ts';
import { Squashes, type SquashRecord } from '../snapshots/squashes.ts';
import { commonAfter, comparable, expireSquashes, mergeHeads } from './merge-heads.ts';

const ids = (text: string): readonly LayerId[] => text.split(' ').filter((id) => id !== '') as LayerId[];
/** Names of removing layers begin with a capital P. */
const takesAway = (id: LayerId): boolean => id.startsWith('P');

interface Case {
  readonly title: string;
  readonly common: string;
  readonly local: string;
  readonly remote: string;
  readonly merged: string;
  /** `S=b,a` */
  readonly squashes?: string;
}

const squashesOf = (text: string): Squashes =>
  new Squashes(
    text.split(' ').flatMap((each) => {
      const [id = '', layers = ''] = each.split('=');
      return id === '' ? [] : [{ id: id as LayerId, layers: layers.split(',') as LayerId[], atMs: 0 }];
    }),
  );

const cases: readonly Case[] = [
  { title: 'nothing anywhere', common: '', local: '', remote: '', merged: '' },
  { title: 'a first push', common: '', local: 'b a', remote: '', merged: 'b a' },
  { title: 'a first pull', common: '', local: '', remote: 'b a', merged: 'b a' },
  { title: 'new here', common: 'a', local: 'b a', remote: 'a', merged: 'b a' },
  { title: 'new there', common: 'a', local: 'a', remote: 'b a', merged: 'b a' },
  { title: 'new on both sides: ours comes later', common: 'a', local: 'l a', remote: 'r a', merged: 'l r a' },
  { title: 'several', common: 'a', local: 'l2 l1 a', remote: 'r2 r1 a', merged: 'l2 l1 r2 r1 a' },
  { title: 'both from nothing', common: '', local: 'l', remote: 'r', merged: 'l r' },
  { title: 'pushed before, the note was lost', common: '', local: 'b a', remote: 'c b a', merged: 'c b a' },
  { title: 'removed here', common: 'b a', local: 'a', remote: 'b a', merged: 'a' },
  { title: 'removed there', common: 'b a', local: 'b a', remote: 'a', merged: 'a' },
  { title: 'removed there, new here', common: 'b a', local: 'c b a', remote: 'a', merged: 'c a' },
  { title: 'all removed there', common: 'b a', local: 'b a', remote: '', merged: '' },
  { title: 'rewritten here', common: 'c b a', local: "c b' a", remote: 'd c b a', merged: "d c b' a" },
  { title: 'rewritten there', common: 'c b a', local: 'e c b a', remote: "c b' a", merged: "e c b' a" },
  { title: 'a clean-up stays on what it saw', common: 'a', local: 'P a', remote: 'r a', merged: 'r P a' },
  { title: 'and brings along what it saw', common: 'a', local: 'P l a', remote: 'r a', merged: 'r P l a' },
  { title: 'later layers go on top', common: 'a', local: 'm P l a', remote: 'r a', merged: 'm r P l a' },
  { title: 'below all that it did not see', common: '', local: 'P l', remote: 's r', merged: 's r P l' },
  { title: 'layers above a dropped clean-up stay', common: 'b', local: 'm P b', remote: 'b a', merged: 'm b a' },
  { title: 'what it saw was removed there', common: 'b a', local: 'P b a', remote: 'r a', merged: 'r P a' },
  { title: 'a clean-up that saw too little is dropped', common: 'b', local: 'P b', remote: 'b a', merged: 'b a' },
  { title: 'two clean-ups: ours is dropped', common: 'a', local: 'm P2 l a', remote: 'P1 r a', merged: 'm l P1 r a' },
];

const squashed: readonly Case[] = [
  { title: 'squashed here', common: 'b a', local: 'S', remote: 'b a', merged: 'S', squashes: 'S=b,a' },
  { title: 'squashed there', common: 'b a', local: 'b a', remote: 'S', merged: 'S', squashes: 'S=b,a' },
  { title: 'there, and new here', common: 'b a', local: 'c b a', remote: 'S', merged: 'c S', squashes: 'S=b,a' },
  { title: 'here, and new there', common: 'b a', local: 'S', remote: 'c b a', merged: 'c S', squashes: 'S=b,a' },
  {
    title: 'a new layer between layers squashed there',
    common: 'b a',
    local: 'b x a',
    remote: 'S',
    merged: 'b x a',
    squashes: 'S=b,a',
  },
  { title: 'removed here', common: 'b a', local: 'b', remote: 'S', merged: 'b', squashes: 'S=b,a' },
  { title: 'removed there', common: 'b a', local: 'S', remote: 'b', merged: 'b', squashes: 'S=b,a' },
  {
    title: 'one squash of squashes',
    common: 'd c b a',
    local: 'T',
    remote: 'e d S',
    merged: 'e T',
    squashes: 'S=c,b,a T=d,S',
  },
  {
    title: 'removed from the middle of one',
    common: 'd c b a',
    local: 'T',
    remote: 'c S',
    merged: 'c S',
    squashes: 'S=b,a T=d,c,S',
  },
  {
    title: 'squashed differently: the remote has its own',
    common: 'c b a',
    local: 'S a',
    remote: 'c T',
    merged: 'c T',
    squashes: 'S=c,b T=b,a',
  },
  {
    title: 'squashed differently: ours covers more',
    common: 'c b a',
    local: 'S',
    remote: 'c T',
    merged: 'S',
    squashes: 'S=c,b,a T=b,a',
  },
  {
    title: 'a clean-up of layers squashed there',
    common: 'b a',
    local: 'P b a',
    remote: 'c S',
    merged: 'c P S',
    squashes: 'S=b,a',
  },
  {
    title: 'a squash whose parts are unknown after a long absence',
    common: 'b a',
    local: 'c b a',
    remote: 'S',
    merged: 'c S',
  },
  {
    title: 'known only here, removed there',
    common: 'b a S',
    local: 'S',
    remote: 'c',
    merged: 'c',
  },
  { title: 'a record that contains itself', common: '', local: 'S', remote: 'a', merged: 'S a', squashes: 'S=S' },
];

describe('two heads become one', () => {
  test.each(cases)('$title', ({ common, local, remote, merged }) => {
    const heads = { common: new Set(ids(common)), local: ids(local), remote: ids(remote), takesAway };
    expect(mergeHeads({ ...heads, squashes: squashesOf('') })).toEqual(ids(merged));
  });

  test.each(squashed)('$title', ({ common, local, remote, merged, squashes: text = '' }) => {
    const squashes = squashesOf(text);
    const heads = { common: new Set(ids(common)), local: ids(local), remote: ids(remote), takesAway, squashes };
    const layers = mergeHeads(heads);
    expect(squashes.contract(layers, [...heads.remote, ...heads.local])).toEqual(ids(merged));
  });
});

/** Machines that commit, clean up, squash, remove and sync with one remote in any order. */
interface Machine {
  local: readonly LayerId[];
  common: ReadonlySet<LayerId>;
  squashes: readonly SquashRecord[];
  /** Squashes whose parts are gone there. */
  readonly gone: Set<LayerId>;
}

const kinds = ['push', 'push', 'pull', 'commit', 'commit', 'prune', 'squash', 'squash', 'remove', 'forget'] as const;
type Step = readonly [machine: number, what: (typeof kinds)[number] | 'expire', pick: number];

const arbitrarySteps = (...more: readonly Step[1][]): fc.Arbitrary<readonly Step[]> =>
  fc.array(fc.tuple(fc.nat({ max: 3 }), fc.constantFrom(...kinds, ...more), fc.nat({ max: 7 })), {
    maxLength: 60,
    size: 'max',
  });

class World {
  readonly machines: readonly Machine[] = [0, 1, 2, 3].map(() => ({
    local: [],
    common: new Set(),
    squashes: [],
    gone: new Set(),
  }));
  remote: readonly LayerId[] = [];
  #squashesThere: readonly SquashRecord[] = [];
  readonly added = new Set<LayerId>();
  readonly removed = new Set<LayerId>();
  /** The layers that a removing layer saw. */
  readonly saw = new Map<LayerId, ReadonlySet<LayerId>>();
  /** All squash records, known to a machine or not. */
  readonly #ever: SquashRecord[] = [];
  #count = 0;

  /** Returns the layers of a head without squashes. */
  plain(ids: readonly LayerId[]): readonly LayerId[] {
    return new Squashes(this.#ever).expand(ids);
  }

  take([number, what, pick]: Step): void {
    const machine = this.machines[number] ?? expect.fail('no machine');
    const squashes = new Squashes(machine.squashes);
    switch (what) {
      case 'commit':
        machine.local = [this.#fresh('c'), ...machine.local];
        break;
      case 'prune': {
        const id = this.#fresh('P');
        this.saw.set(id, new Set(this.plain(machine.local)));
        machine.local = [id, ...machine.local];
        break;
      }
      case 'squash': {
        const layers = machine.local.slice(pick % 3, (pick % 3) + 2 + (pick % 2));
        if (layers.length < 2) break;
        const record = { id: `S${++this.#count}` as LayerId, layers, atMs: 0 };
        this.#ever.push(record);
        machine.squashes = [...machine.squashes, record];
        machine.local = machine.local.flatMap((id) =>
          id === layers[0] ? [record.id] : layers.includes(id) ? [] : [id],
        );
        break;
      }
      case 'remove': {
        const plain = squashes.expand(machine.local);
        const id = plain[pick % Math.max(1, plain.length)];
        if (id === undefined) break;
        for (const layer of this.plain([id])) this.removed.add(layer);
        machine.local = squashes.contract(
          plain.filter((each) => each !== id),
          machine.local,
        );
        break;
      }
      case 'forget': {
        // A damaged layer, missing only here.
        const plain = squashes.expand(machine.local);
        const id = plain[pick % Math.max(1, plain.length)];
        if (id === undefined || !machine.common.has(id)) break;
        machine.local = squashes.contract(
          plain.filter((each) => each !== id),
          machine.local,
        );
        machine.common = new Set([...machine.common].filter((each) => !squashes.expand([each]).includes(id)));
        break;
      }
      case 'expire':
        this.#expire(machine, pick);
        break;
      case 'push':
        this.#sync(machine, true);
        break;
      case 'pull':
        this.#sync(machine, false);
    }
  }

  #expire(machine: Machine, pick: number): void {
    if (pick >= 4) {
      this.#squashesThere = this.#squashesThere.slice(1);
      return;
    }
    const records = machine.squashes.map((record, index) => (index === 0 ? { ...record, atMs: -1 } : record));
    const [oldest] = records;
    if (oldest !== undefined) machine.gone.add(oldest.id);
    const { local: head, common } = machine;
    const expired = expireSquashes({ records, head, commons: [[...common]], beforeMs: 0 });
    machine.squashes = expired.records;
    machine.common = new Set(expired.commons[0]);
  }

  #sync(machine: Machine, pushes: boolean): void {
    const { squashes, common } = comparable({
      here: machine.squashes,
      there: this.#squashesThere,
      local: machine.local,
      remote: this.remote,
      common: machine.common,
      isKept: ({ id }) => !machine.gone.has(id),
    });
    const layers = mergeHeads({ local: machine.local, common, remote: this.remote, takesAway, squashes });
    const merged = squashes.contract(layers, [...this.remote, ...machine.local]);
    if (pushes) {
      this.remote = merged;
      this.#squashesThere = squashes.within(merged);
    }
    const had = new Set(squashes.expand(machine.local));
    // A push takes no layers from the remote.
    const local = pushes
      ? squashes.contract(
          layers.filter((id) => had.has(id)),
          machine.local,
        )
      : merged;
    machine.common = new Set(
      commonAfter({ before: { common, local: machine.local }, after: { local, remote: this.remote }, squashes }),
    );
    machine.local = local;
    machine.squashes = new Squashes([...machine.squashes, ...squashes.records]).records;
  }

  /**
   * A removed layer may return from a machine that has it beside a squash without its parts, and changes the
   * squashes. Then all machines agree only after a third round.
   */
  settle(): void {
    for (let round = 0; round < 3; round++) {
      for (const number of this.machines.keys())
        for (const what of ['push', 'pull'] as const) this.take([number, what, 0]);
    }
  }

  #fresh(prefix: string): LayerId {
    const id = `${prefix}${++this.#count}` as LayerId;
    this.added.add(id);
    return id;
  }
}

test('overlapping squashes of one head stay whole, because other machines may lack the layers of only one', () => {
  const here = squashesOf('S=x,b,a T=y,b,a').records;
  const heads = { local: ids('S T c'), remote: ids('T S c') };
  const known = { here, there: [], ...heads, common: new Set(ids('x y b a c')), isKept: () => true };
  const { squashes, common } = comparable(known);
  const merged = mergeHeads({ ...heads, common, takesAway, squashes });
  expect(squashes.contract(merged, [...heads.remote, ...heads.local])).toEqual(ids('T S c'));
});

test('layers inside a squash without its parts do not count as removed, whichever squash the remote has', () => {
  const here = squashesOf('S=x,c,T T=b,a').records;
  const heads = { local: ids('y S'), remote: ids('c T') };
  const known = { here, there: [], ...heads, common: new Set(ids('x c b a S T')), isKept: () => false };
  const { squashes, common } = comparable(known);
  const merged = mergeHeads({ ...heads, common, takesAway, squashes });
  expect(squashes.contract(merged, [...heads.remote, ...heads.local])).toEqual(ids('y c T'));
});

test('a squash without its parts stays whole if the remote has only the squash', () => {
  const here = squashesOf('S=b,a').records;
  const heads = { local: ids('S'), remote: ids('c S') };
  const { squashes } = comparable({ here, there: [], ...heads, common: new Set(ids('S')), isKept: () => false });
  expect(squashes.expand(heads.local)).toEqual(ids('S'));
});

test('a squash that overlaps one without its parts is compared as usual', () => {
  const [kept, lost] = [squashesOf('T=d,b,a').records, squashesOf('S=c,b,a').records];
  const heads = { local: ids('S T'), remote: ids('T') };
  const known = { here: [...lost, ...kept], there: kept, ...heads, common: new Set(ids('d b a T')) };
  const { squashes, common } = comparable({ ...known, isKept: ({ id }) => id !== 'S' });
  expect(squashes.expand(heads.local)).toEqual(ids('S d b a'));
  const merged = mergeHeads({ ...heads, common, takesAway, squashes });
  expect(squashes.contract(merged, [...heads.remote, ...heads.local])).toEqual(ids('S T'));
});

describe('machines that sync in any order', () => {
  test('lose no layers, restore no removed layers, agree in the end, and hide no unseen layers', () => {
    fc.assert(
      fc.property(arbitrarySteps(), (steps) => {
        const world = new World();
        for (const step of steps) {
          world.take(step);
          for (const squashed of [world.remote, ...world.machines.map(({ local }) => local)]) {
            expect(new Set(squashed).size).toBe(squashed.length);
            const list = world.plain(squashed);
            for (const [index, id] of list.entries()) {
              const saw = world.saw.get(id);
              if (saw !== undefined) expect(list.slice(index + 1).filter((below) => !saw.has(below))).toEqual([]);
            }
          }
        }
        world.settle();
        const wanted = [...world.added].filter((id) => !world.removed.has(id));
        const there = world.plain(world.remote);
        // Clean-ups may have been dropped.
        expect(wanted.filter((id) => !takesAway(id) && !there.includes(id))).toEqual([]);
        expect(there.filter((id) => !wanted.includes(id))).toEqual([]);
        for (const { local } of world.machines) expect(local).toEqual(world.remote);
      }),
      { numRuns: 500 },
    );
  });

  test('lose no layers and agree in the end even if they forget squashes', () => {
    fc.assert(
      fc.property(arbitrarySteps('expire', 'expire'), (steps) => {
        const world = new World();
        for (const step of steps) world.take(step);
        world.settle();
        const there = world.plain(world.remote);
        const wanted = [...world.added].filter((id) => !world.removed.has(id) && !takesAway(id));
        expect(wanted.filter((id) => !there.includes(id))).toEqual([]);
        for (const { local } of world.machines) expect(world.plain(local)).toEqual(there);
      }),
      { numRuns: 500 },
    );
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareTrust, laneTrust, trustLevels, type LaneName, type Namespace, type PolicyTexts } from '@cachelane/core';
import {
  dayMs,
  factsOf,
  hourMs,
  inputOf,
  layerOf,
  mib,
  nowMs,
  web,
  type FactsHead,
  type FactsStore,
  type InputOptions,
} from './facts.fixture.ts';
import { planEvictions, type EvictionPlan } from './plan-evictions.ts';

/** `t1:pr:1 keep-pr` for a head, `t1:pr:1 history-2` for two states, in order. */
function linesOf({ evictions }: EvictionPlan): readonly string[] {
  return evictions.map((each) =>
    each.kind === 'head'
      ? `${each.held.head.lane} ${each.policy}`
      : `${each.held.head.lane} ${each.policy} ${each.states}`,
  );
}

const plan = (store: FactsStore, options?: InputOptions): EvictionPlan => planEvictions(inputOf(store, options));
const lines = (store: FactsStore, options?: InputOptions): readonly string[] => linesOf(plan(store, options));

function head(lane: string, usedMs: number, more: Partial<FactsHead> = {}): FactsHead {
  return { lane, usedMs, layers: [`${lane} ${more.volume ?? ''}`], ...more };
}

const forRoom = new Set(['store-size', 'namespace-size', 'free-space', 't0-share', 't0-lane-share', 't1-share']);

const sized =
  (user: PolicyTexts, more: InputOptions = {}) =>
  (store: FactsStore): readonly string[] =>
    lines(store, { user, ...more });

/** Lanes in order of use, the oldest first. */
function storeWith(...lanes: readonly string[]): FactsStore {
  return { heads: lanes.map((lane, index) => head(lane, (9 - index) * hourMs)) };
}

function rank({ lane }: { readonly lane: string }): number {
  return trustLevels.indexOf(laneTrust(lane as LaneName));
}

/** A lane of each kind. */
function all(usedMs: number): FactsStore {
  const lanes = ['t0:run:1', 't1:pr:12', 't1:ref:feat', 't1:ref:main', 't1:local', 't2:ref:main', 't3:env:npm'];
  return { heads: lanes.map((lane) => head(lane, usedMs)) };
}

/** A store of a project with a directory that was deleted long ago. */
function gone(heads: readonly FactsHead[]): FactsStore {
  return { heads, directories: [{ namespace: web as Namespace, path: '/x', goneSinceMs: 0 }] };
}

/** Evictions above T1 for space. */
function higher({ evictions }: EvictionPlan): EvictionPlan['evictions'] {
  return evictions.filter(({ held, policy }) => rank(held.head) > 1 && forRoom.has(policy));
}

describe('lifetimes', () => {
  test.each([
    [hourMs, ['t0:run:1 keep-run']],
    [3 * dayMs - 1, ['t0:run:1 keep-run']],
    [3 * dayMs, ['t0:run:1 keep-run', 't1:pr:12 keep-pr']],
    [14 * dayMs, ['t0:run:1 keep-run', 't1:pr:12 keep-pr', 't1:ref:feat keep-branch']],
    [
      30 * dayMs,
      [
        't0:run:1 keep-run',
        't1:local keep-default',
        't1:pr:12 keep-pr',
        't1:ref:feat keep-branch',
        't1:ref:main keep-default',
        't2:ref:main keep-default',
      ],
    ],
  ])('after %i ms without use', (usedMs, expected) => {
    expect(lines(all(usedMs))).toEqual(expected);
  });

  test('of zero have their own reasons', () => {
    expect(plan({ heads: [head('t0:run:1', hourMs)] }).evictions).toMatchObject([{ why: 'its run has ended' }]);
    const { evictions } = plan({ heads: [head('t1:pr:1', hourMs)] }, { user: { 'keep-pr': '0' } });
    expect(evictions).toMatchObject([{ why: 'it is not kept after its use' }]);
  });

  test("can be set for all namespaces or one, and lowered by a lane's file", () => {
    const store: FactsStore = {
      heads: [head('t1:pr:1', 2 * dayMs), head('t1:pr:2', 2 * dayMs), head('t1:pr:1', 2 * dayMs, { namespace: 'a/b' })],
      lanePolicies: { 't1:pr:2': { 'keep-pr': '2d' } },
    };
    expect(lines(store)).toEqual(['t1:pr:2 keep-pr']);
    expect(lines(store, { user: { 'keep-pr': '1d' } })).toHaveLength(3);
    const policies = [{ namespace: 'a/b' as Namespace, texts: { 'keep-pr': '1d' } }];
    expect(lines({ ...store, policies })).toEqual(['t1:pr:1 keep-pr', 't1:pr:2 keep-pr']);
  });

  test('a missing directory removes its namespace after a while', () => {
    const namespace = 'local/web-1' as Namespace;
    const store = (goneMs: number | null): FactsStore => ({
      heads: [head('t1:local', 8 * dayMs, { namespace }), head('t1:local', 8 * dayMs)],
      directories: [{ namespace, path: '/x', goneSinceMs: goneMs === null ? null : nowMs - goneMs }],
    });
    expect(lines(store(null))).toEqual([]);
    expect(lines(store(7 * dayMs - 1))).toEqual([]);
    expect(lines(store(7 * dayMs))).toEqual(['t1:local keep-gone']);
  });
});

describe('history', () => {
  const earlier = [
    [['c'], 2 * dayMs],
    [['b'], 5 * dayMs],
    [['a'], 20 * dayMs],
  ] as const;
  const store: FactsStore = { heads: [head('t1:local', dayMs, { earlier })] };

  test.each<readonly [PolicyTexts, readonly string[]]>([
    [{}, ['t1:local history 1']],
    [{ history: '3d' }, ['t1:local history 2']],
    [{ 'history-generations': '2' }, ['t1:local history-generations 2']],
    [{ 'history-generations': '1' }, ['t1:local history-generations 3']],
    [{ history: '0' }, ['t1:local history 3']],
    [{ history: '90d', 'history-generations': '90' }, ['t1:local history 1']],
  ])('%j', (user, expected) => {
    expect(lines(store, { user })).toEqual(expected);
  });

  test('layers that only it names are freed, others are not', () => {
    const shared: FactsStore = {
      heads: [head('t1:local', dayMs, { layers: ['a', 'd'], earlier: [[['a', 'b'], 20 * dayMs]] })],
    };
    const { evictions, held } = plan(shared);
    expect(evictions).toMatchObject([{ frees: mib }]);
    expect([...held].toSorted()).toEqual(['a', 'd'].map(layerOf).toSorted());
  });
});

/** All reasons for an eviction. */
const triggers: readonly (readonly [string, InputOptions])[] = [
  [
    'lifetimes',
    { user: { 'keep-run': '0', 'keep-pr': '0', 'keep-branch': '0', 'keep-default': '0', 'keep-release': '0' } },
  ],
  ['a directory that is gone', { user: { 'keep-gone': '0' } }],
  ['namespace-size', { user: { 'namespace-size': '0' } }],
  ['store-size', { user: { 'store-size': '0' } }],
  ['shares', { user: { 'store-size': '1B', 't0-share': '0', 't0-lane-share': '0', 't1-share': '0' } }],
  ['free-space', { user: { 'free-space': '1TB' }, space: { freeBytes: 0, totalBytes: 1e12 } }],
];

describe.each(triggers)('the floor protects against %s', (_, options) => {
  test.each(['t1:local', 't1:ref:main', 't2:ref:main', 't3:env:npm'])('%s, used within a week', (lane) => {
    // Lower levels must have shares.
    const store = (usedMs: number) => gone([head(lane, usedMs, { earlier: [[['old'], usedMs + hourMs]] })]);
    const kept = plan(store(7 * dayMs - 1), options);
    expect(kept.evictions.filter(({ kind }) => kind === 'head')).toEqual([]);
    expect(kept.held.has(layerOf(`${lane} `))).toBe(true);
  });

  test('heads that were just used, or that are open or pinned', () => {
    const store = gone([
      head('t1:pr:1', 599_999),
      head('t0:run:1', 40 * dayMs, { volume: 'open', isOpen: true }),
      head('t1:pr:2', 40 * dayMs, { volume: 'pinned', layers: ['pinned'] }),
      head('t2:ref:main', 40 * dayMs, { volume: 'x', layers: ['pinned'] }),
    ]);
    const { evictions, held } = plan({ ...store, pins: ['pinned'] }, options);
    expect(evictions).toEqual([]);
    expect(held.size).toBe(3);
  });

  test('and nothing else', () => {
    // Shares do not apply to the highest level, so its head stays.
    const heads = ['t0:run:1', 't1:pr:1', 't1:ref:x', 't1:ref:main'].map((lane) => head(lane, 8 * dayMs));
    const top = head('t2:ref:main', hourMs, { volume: 'top' });
    const { held } = plan(gone([...heads, top]), options);
    expect([...held]).toEqual([layerOf('t2:ref:main top')]);
  });
});

describe('for space', () => {
  test('the least trusted and least recently used heads are evicted first, no more than needed', () => {
    const store: FactsStore = {
      heads: [
        head('t2:ref:release', 9 * dayMs),
        head('t1:ref:a', 2 * dayMs),
        head('t1:ref:b', 10 * dayMs),
        head('t0:run:1', dayMs),
      ],
    };
    const keep = { 'keep-run': 'none', 't0-share': '100%', 't1-share': '100%', 't0-lane-share': '100%' };
    const order = ['t0:run:1', 't1:ref:b', 't1:ref:a', 't2:ref:release'];
    for (let left = 0; left <= 4; left++) {
      const gone = plan(store, { user: { ...keep, 'store-size': `${left}MiB` } }).evictions;
      expect(gone.map(({ held }) => held.head.lane)).toEqual(order.slice(0, 4 - left));
    }
  });

  test('earlier states are evicted before heads', () => {
    const store: FactsStore = {
      heads: [head('t1:ref:a', 9 * dayMs, { earlier: [[['old'], 10 * dayMs]] }), head('t1:ref:b', dayMs)],
    };
    expect(sized({ 'store-size': '2MiB' })(store)).toEqual(['t1:ref:a store-size 1']);
    expect(sized({ 'store-size': '1MiB' })(store)).toEqual(['t1:ref:a store-size 1', 't1:ref:a store-size']);
  });

  test('earlier states stay if they free nothing or are not needed', () => {
    const large = head('t1:ref:a', 9 * dayMs, { layers: ['1', '2', '3'], earlier: [[['1', '2'], 10 * dayMs]] });
    const small = head('t1:ref:b', dayMs, { earlier: [[['old'], 10 * dayMs]] });
    const store: FactsStore = { heads: [large, small] };
    // Of five.
    expect(sized({ 'store-size': '4MiB' })(store)).toEqual(['t1:ref:b store-size 1']);
    expect(sized({ 'store-size': '3MiB' })(store)).toEqual(['t1:ref:a store-size 1', 't1:ref:a store-size']);
    expect(sized({ 'store-size': '1MiB' })(store)).toHaveLength(3);
  });

  test('a head that frees nothing stays, unless it is the last holder of needed space', () => {
    const store: FactsStore = {
      heads: [
        head('t1:ref:a', 9 * dayMs, { layers: ['shared'] }),
        head('t1:ref:b', 8 * dayMs, { layers: ['own'] }),
        head('t2:ref:main', hourMs, { layers: ['shared'] }),
      ],
    };
    expect(sized({ 'store-size': '1MiB', 't1-share': '100%' })(store)).toEqual(['t1:ref:b store-size']);
    const both: FactsStore = { heads: store.heads.slice(0, 2).map((each) => ({ ...each, layers: ['shared'] })) };
    expect(sized({ 'store-size': '0' })(both)).toHaveLength(2);
  });

  test('a namespace has its own limit', () => {
    const heads = [
      head('t1:ref:a', dayMs),
      head('t1:ref:b', 2 * dayMs),
      head('t1:ref:c', 3 * dayMs, { namespace: 'a/b' }),
    ];
    const policies = [{ namespace: web as Namespace, texts: { 'namespace-size': '1MiB' } }];
    expect(lines({ heads, policies })).toEqual(['t1:ref:b namespace-size']);
  });

  test("lower levels have shares of the store's limit; the highest one present has the rest", () => {
    const keep = { 'keep-run': 'none', 'store-size': '10MiB' };
    const t1 = ['t1:ref:a', 't1:ref:b', 't1:ref:c', 't1:ref:d'];
    expect(sized(keep)(storeWith(...t1))).toEqual([]);
    expect(sized(keep)(storeWith(...t1, 't2:ref:main'))).toEqual(['t1:ref:a t1-share']);
    expect(sized({ ...keep, 't0-lane-share': '10%' })(storeWith('t0:run:1', 't0:run:2', 't1:ref:a'))).toEqual([
      't0:run:1 t0-share',
    ]);
    expect(sized(keep)(storeWith('t0:run:1', 't1:ref:a'))).toEqual(['t0:run:1 t0-lane-share']);
  });

  test('a T0 lane holds at most a gigabyte, whatever the size of the store', () => {
    const store: FactsStore = { heads: [head('t0:run:1', hourMs, { layers: ['big'] })], sizes: { big: 2 ** 30 + 1 } };
    expect(sized({ 'keep-run': 'none', 'store-size': '1TiB' })(store)).toEqual(['t0:run:1 t0-lane-share']);
  });

  test('unreferenced layers count as free', () => {
    const store: FactsStore = { heads: [head('t1:ref:a', dayMs), head('t1:ref:b', 2 * dayMs)] };
    const space = { freeBytes: 3 * mib, totalBytes: 100 * mib };
    expect(sized({ 'free-space': '3MiB' }, { space })(store)).toEqual([]);
    expect(sized({ 'free-space': '4MiB' }, { space })(store)).toEqual(['t1:ref:b free-space']);
    expect(sized({ 'free-space': '4MiB', 'keep-branch': '2d' }, { space })(store)).toEqual(['t1:ref:b keep-branch']);
    expect(plan(store, { user: { 'free-space': '4MiB' }, space, hasSpare: true })).toMatchObject({
      evictions: [],
      isPressed: true,
    });
    // By default a twentieth of a small disk.
    expect(plan(store, { space: { freeBytes: 5 * mib, totalBytes: 100 * mib } })).toMatchObject({ isPressed: false });
    expect(plan(store, { space: { freeBytes: 5 * mib - 1, totalBytes: 100 * mib } })).toMatchObject({
      isPressed: true,
    });
  });

  test('a limit that cannot be kept is reported', () => {
    const { unmet } = plan({ heads: [head('t1:local', dayMs)] }, { user: { 'store-size': '0' } });
    expect(unmet).toEqual([{ policy: 'store-size', why: 'the store takes more than 0', overBytes: mib }]);
  });

  test('the incoming layer counts', () => {
    const store: FactsStore = { heads: [head('t1:ref:a', dayMs)] };
    const { namespaces } = factsOf(store);
    const incoming = {
      namespaceId: namespaces[0]?.id ?? null,
      trust: 'T1',
      sizeBytes: mib,
      namespaceLimit: Infinity,
    } as const;
    const user = { 'store-size': '1MiB' };
    expect(lines(store, { user, incoming })).toEqual(['t1:ref:a store-size']);
    expect(plan(store, { user, incoming, upTo: 'T0' }).unmet).toMatchObject([{ policy: 'store-size' }]);
    expect(plan({ heads: [] }, { incoming: { ...incoming, namespaceLimit: 1 }, user }).unmet).toEqual([]);
    expect(lines(store, { incoming: { ...incoming, namespaceLimit: mib } })).toEqual(['t1:ref:a namespace-size']);
  });
});

describe('for any store', () => {
  const lane = fc.constantFrom(
    't0:run:1',
    't0:run:2',
    't1:pr:1',
    't1:ref:a',
    't1:ref:main',
    't1:local',
    't2:ref:main',
    't3:env:npm',
  );
  const layers = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g'), { minLength: 1, maxLength: 3 });
  const ago = fc.integer({ min: 0, max: 40 }).map((days) => days * dayMs + 1);
  const aHead = fc.record({
    lane,
    volume: fc.constantFrom('npm', 'go'),
    namespace: fc.constantFrom(web, 'a/b'),
    layers,
    usedMs: ago,
    earlier: fc.array(fc.tuple(layers, ago), { maxLength: 3 }),
    isOpen: fc.boolean(),
  });
  const store = fc.record({
    heads: fc.uniqueArray(aHead, { selector: (each) => `${each.namespace} ${each.volume} ${each.lane}`, maxLength: 8 }),
    pins: fc.array(fc.constantFrom('a', 'z'), { maxLength: 2 }),
  });
  const size = fc.integer({ min: 0, max: 8 }).map((count) => `${count}MiB`);
  const options = fc.record({
    user: fc.record({ 'store-size': size, 'namespace-size': size, 'free-space': size }, { requiredKeys: [] }),
    space: fc.record({ freeBytes: fc.integer({ min: 0, max: 8 * mib }), totalBytes: fc.constant(100 * mib) }),
    upTo: fc.constantFrom(...trustLevels),
  });

  test('P4: a save never evicts lanes above its own level for space', () => {
    fc.assert(
      fc.property(store, options, (facts, wanted) => {
        for (const { policy, held } of plan(facts, wanted).evictions) {
          if (forRoom.has(policy)) expect(compareTrust(laneTrust(held.head.lane), wanted.upTo)).toBeLessThanOrEqual(0);
        }
      }),
    );
  });

  test('P4: lower lanes never take space from higher ones', () => {
    fc.assert(
      fc.property(store, options, (facts, wanted) => {
        // A lower lane has saved its own layers, and collects.
        const saver = { lane: 't1:ref:noisy', namespace: web, volume: 'npm', layers: ['noise'], usedMs: 1 } as const;
        const noisy = { ...facts, heads: [...facts.heads, saver], sizes: { noise: 64 * mib } };
        expect(higher(plan(noisy, { ...wanted, upTo: 'T1' }))).toEqual([]);
      }),
    );
  });

  test('everything that is not evicted stays, and each limit is kept or reported', () => {
    fc.assert(
      fc.property(store, options, (facts, wanted) => {
        const input = inputOf(facts, wanted);
        const { evictions, left, held, unmet } = planEvictions(input);
        const gone = new Set(evictions.flatMap((each) => (each.kind === 'head' ? [each.held.head] : [])));
        for (const { head: kept } of heldBy(evictions, input.facts))
          for (const id of kept) expect(held.has(id)).toBe(true);
        for (const each of gone) expect(each.usedAtMs).toBeLessThan(nowMs);
        const bytes = [...held].reduce((sum, id) => sum + (input.sizes.get(id) ?? 0), 0);
        const limit = input.policies.user['store-size']?.value ?? Infinity;
        if (bytes > limit) expect(unmet.map(({ policy }) => policy)).toContain('store-size');
        expect(planEvictions(input)).toEqual({
          evictions,
          left,
          held,
          unmet,
          isPressed: expect.any(Boolean) as boolean,
        });
        expect(new Set(left.map(({ head }) => head))).toEqual(new Set(input.facts.heads).difference(gone));
      }),
    );
  });
});

function heldBy(
  evictions: EvictionPlan['evictions'],
  facts: ReturnType<typeof factsOf>,
): readonly { readonly head: readonly string[] & ReturnType<typeof factsOf>['heads'][number]['layers'] }[] {
  const gone = new Set(evictions.flatMap((each) => (each.kind === 'head' ? [each.held.head] : [])));
  return facts.heads.filter((each) => !gone.has(each)).map((each) => ({ head: each.layers }));
}

const squashed = (more: Partial<FactsHead>): FactsStore => ({
  heads: [head('t1:ref:main', dayMs, { layers: ['s'], ...more })],
});

describe('layers that a squash replaced', () => {
  const day13 = { squashes: [['s', ['x', 'y'], 13 * dayMs]] } as const;
  const day15 = { squashes: [['s', ['x', 'y'], 15 * dayMs]] } as const;

  test('are held within the revocation window only', () => {
    expect([...plan(squashed(day13)).held].toSorted()).toEqual(['s', 'x', 'y'].map(layerOf).toSorted());
    expect([...plan(squashed(day15)).held]).toEqual([layerOf('s')]);
  });

  test('count as used space, and are removed with their head', () => {
    const store = { heads: [head('t1:pr:1', dayMs, { layers: ['s'], ...day13 }), head('t1:pr:2', 2 * hourMs)] };
    const { evictions, held } = plan(store, { user: { 'store-size': '2MiB' } });
    expect(evictions).toMatchObject([{ held: { head: { lane: 't1:pr:1' } }, policy: 'store-size', frees: 3 * mib }]);
    expect(held.has(layerOf('x'))).toBe(false);
  });

  test('protect the head while a session reads them', () => {
    expect(lines(squashed({ usedMs: 60 * dayMs, ...day15 }))).toEqual(['t1:ref:main keep-default']);
    expect(lines({ ...squashed({ usedMs: 60 * dayMs, ...day15 }), pins: ['x'] })).toEqual([]);
  });
});

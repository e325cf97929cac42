import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalNamespace, parseNamespace } from '../names/namespace.ts';
import { canRead, canReadOther, mayWrite, policyWithoutHub, type ReadPolicy } from './access.ts';
import { anyLane } from './lane.fixture.ts';
import { compareTrust, type LaneName, laneTrust } from './lane.ts';
import { readChain, type ReadChainRequest } from './read-chain.ts';

const lane = (text: string): LaneName => text as LaneName;
const strict: ReadPolicy = { siblings: 'none', releaseReads: 'release' };
const anyPolicy: fc.Arbitrary<ReadPolicy> = fc.record({
  siblings: fc.constantFrom('read', 'none'),
  releaseReads: fc.constantFrom('release', 'protected'),
});
const anyNamespace = fc.constantFrom('a', 'a/b', 'teams/x', 'a/b/c').map((text) => parseNamespace(text));
const anyRequest: fc.Arbitrary<ReadChainRequest> = fc.record({
  namespace: anyNamespace,
  lane: anyLane,
  base: fc.option(anyLane),
  defaultLane: fc.option(anyLane),
  parents: fc.array(anyNamespace, { maxLength: 16 }),
  parentLane: fc.option(anyLane),
  policy: anyPolicy,
});

describe('no read down (rule 3)', () => {
  test('no run reads a lane of lower trust, except T3 by opt-in', () => {
    fc.assert(
      fc.property(anyLane, anyLane, anyPolicy, (from, other, policy) => {
        if (!canReadOther(from, other, policy) || compareTrust(laneTrust(other), laneTrust(from)) >= 0) return;
        expect([laneTrust(from), laneTrust(other), policy.releaseReads]).toEqual(['T3', 'T2', 'protected']);
      }),
    );
  });

  test('every run reads its own lane', () => {
    fc.assert(
      fc.property(anyLane, anyPolicy, (own, policy) => {
        expect(canRead(own, own, policy)).toBe(true);
      }),
    );
  });

  test('only its own run reads a T0 lane', () => {
    expect(canRead(lane('t0:run:1'), lane('t0:run:2'))).toBe(false);
  });

  test.each([
    ['t1:pr:12', 't1:ref:main', policyWithoutHub, true],
    ['t1:pr:12', 't1:ref:main', strict, false],
    ['t1:pr:12', 't2:ref:main', strict, true],
    ['t2:ref:release/1.2', 't2:ref:main', strict, true],
    ['t2:ref:main', 't1:pr:12', policyWithoutHub, false],
    ['t3:env:npm', 't2:ref:main', strict, false],
    ['t3:env:npm', 't2:ref:main', { ...strict, releaseReads: 'protected' }, true],
    ['t3:env:npm', 't1:ref:main', { ...strict, releaseReads: 'protected' }, false],
    ['t0:run:1', 't1:ref:main', strict, true],
    ['t0:run:1', 't2:ref:main', strict, true],
  ] as const)('%s reads %s with %j: %s', (from, other, policy, expected) => {
    expect(canRead(lane(from), lane(other), policy)).toBe(expected);
  });
});

describe('read chains', () => {
  test('all links except the own are readable and unique, at most 24', () => {
    fc.assert(
      fc.property(anyRequest, (request) => {
        const chain = readChain(request);
        expect(chain[0]).toEqual({ namespace: request.namespace, lane: request.lane });
        expect(new Set(chain.map((link) => `${link.namespace} ${link.lane}`)).size).toBe(chain.length);
        expect(chain.length).toBeLessThanOrEqual(24);
        for (const link of chain.slice(1)) expect(canReadOther(request.lane, link.lane, request.policy)).toBe(true);
      }),
    );
  });

  test('a lane of the same name in another namespace is a sibling, not the own lane', () => {
    const request = {
      namespace: parseNamespace('a/b'),
      lane: lane('t1:local'),
      base: null,
      defaultLane: null,
      parents: [parseNamespace('a')],
      parentLane: lane('t1:local'),
    };
    expect(readChain({ ...request, policy: policyWithoutHub })).toHaveLength(2);
    expect(readChain({ ...request, policy: strict })).toHaveLength(1);
  });
});

describe('no write up (rule 2, P1)', () => {
  test('a run writes a lane exactly when it is its own and it may write at all', () => {
    fc.assert(
      fc.property(anyRequest, fc.boolean(), anyNamespace, anyLane, (request, canWrite, namespace, other) => {
        const run = { readChain: readChain(request), canWrite };
        const isOwn = namespace === request.namespace && other === request.lane;
        expect(mayWrite(run, { namespace, lane: other })).toBe(isOwn && canWrite);
        const writable = run.readChain.filter((link) => mayWrite(run, link));
        expect(writable).toEqual(canWrite ? [{ namespace: request.namespace, lane: request.lane }] : []);
      }),
    );
  });
});

test('the worked examples: github.com/acme/web, whose main is default and protected', () => {
  const web = canonicalNamespace('github.com', 'acme', 'web');
  const acme = canonicalNamespace('github.com', 'acme');
  const main = lane('t2:ref:main');
  const chainOf = (own: string, base: LaneName | null = null): readonly string[] =>
    readChain({
      namespace: web,
      lane: lane(own),
      base,
      defaultLane: main,
      parents: [acme],
      parentLane: main,
      policy: strict,
    }).map((link) => (link.namespace === web ? link.lane : `${link.namespace} ${link.lane}`));
  const shared = 'github.com/acme t2:ref:main';

  expect(chainOf('t2:ref:main')).toEqual(['t2:ref:main', shared]);
  expect(chainOf('t1:pr:12', main)).toEqual(['t1:pr:12', 't2:ref:main', shared]);
  expect(chainOf('t0:run:40')).toEqual(['t0:run:40', 't2:ref:main', shared]);
  expect(chainOf('t1:mq:main', main)).toEqual(['t1:mq:main', 't2:ref:main', shared]);
  expect(chainOf('t2:ref:release/1.2')).toEqual(['t2:ref:release/1.2', 't2:ref:main', shared]);
  expect(chainOf('t3:env:npm')).toEqual(['t3:env:npm']);
  expect(chainOf('t1:user:ann')).toEqual(['t1:user:ann', 't2:ref:main', shared]);
});

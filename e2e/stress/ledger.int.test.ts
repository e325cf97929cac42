import { describe, expect, test } from 'vitest';
import { disagreements, wronglyFed, type Operation } from './ledger.fixture.ts';

const seen = (...things: readonly string[]) => new Map([['keep-local', new Set(things)]] as const);

describe('expectations from the operations', () => {
  const thing = 'npm w0-keep-local.1';
  const add: Operation = {
    worker: 'w0',
    number: 1,
    act: 'add',
    place: 'keep-local',
    beganMs: 1,
    endedMs: 2,
    isDone: true,
    why: null,
    puts: [thing],
    takes: [],
  };
  const prune: Operation = { ...add, number: 2, act: 'prune', beganMs: 3, endedMs: 4, puts: [], takes: [thing] };

  test.each([
    ['report a missing thing', [add], seen(), ['keep-local: npm w0-keep-local.1 is missing (add 1 of w0)']],
    ['allow both states after a killed save', [{ ...add, isDone: false }], seen(), []],
    [
      'report a thing that is still there after its removal',
      [add, prune],
      seen(thing),
      ['keep-local: npm w0-keep-local.1 is still there (add 1 of w0, prune 2 of w0)'],
    ],
    ['allow both states after a killed removal', [add, { ...prune, isDone: false }], seen(), []],
    ['report an unknown thing', [], seen(thing), ['keep-local: no operation saved npm w0-keep-local.1']],
  ] as const)('%s', (_, operations, found, wrong) => {
    expect(disagreements(operations, found)).toEqual(wrong);
  });

  test('also require a thing in the tier that its project feeds, unless it is revoked', () => {
    const fed = 'npm w0-fed-local.1';
    const put: Operation = { ...add, place: 'fed-local', puts: [fed] };
    const rm: Operation = { ...put, act: 'rm', beganMs: 3, endedMs: 4, puts: [] };
    expect(disagreements([put], new Map())).toHaveLength(1);
    // The tier may have it already, or not yet.
    for (const has of [[], [fed]]) expect(disagreements([put, rm], new Map([['fed-local', new Set(has)]]))).toEqual([]);
    const both = new Map([...(['fed-local', 'tier-local'] as const)].map((place) => [place, new Set([fed])]));
    expect(wronglyFed([put], both)).toEqual([]);
    expect(wronglyFed([put], new Map([['fed-local', new Set([fed])]]))).toEqual([`tier-local: ${fed} was not fed`]);
    expect(wronglyFed([put, { ...rm, act: 'revoke', takes: [fed] }], both)).toHaveLength(1);
  });

  test('allow no thing of a removed lane, unless it was saved during the removal', () => {
    const there = { ...add, place: 'wild-local' as const };
    const removal: Operation = { ...prune, act: 'rm', place: 'wild-local', takes: [] };
    const found = new Map([['wild-local', new Set([thing])]] as const);
    expect(disagreements([there, removal], found)).toHaveLength(1);
    expect(disagreements([{ ...there, endedMs: 3.5 }, removal], found)).toEqual([]);
    expect(disagreements([{ ...there, endedMs: 3.5 }, removal], new Map())).toEqual([]);
    expect(disagreements([{ ...there, beganMs: 5, endedMs: 6 }, removal], new Map())).toHaveLength(1);
  });
});

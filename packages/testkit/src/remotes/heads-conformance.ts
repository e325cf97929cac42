import { describe, expect, test } from 'vitest';
import { limits, type AttemptId, type HeadVersion, type RemoteHeads, type RemoteKey } from '@cachelane/core';
import { noAbort } from '../metadata/metadata-builders.ts';
import { asText, countingAttempts, key, noise, surely, text } from './remote-builders.ts';
import type { HeadDamage, RemoteFactory, RemoteFixture } from './remote-fixture.ts';
import { addWords, wordsOf } from './word-head.ts';

const writers = 8;
const swaps = 25;
const damages: readonly HeadDamage[] = ['emptied', 'cut', 'changed', 'replaced'];

/** The conformance suite of the `RemoteHeads` port: one test for each guarantee of its contract. `create` makes an empty remote for each test. */
export function remoteHeadsConformance(name: string, create: RemoteFactory): void {
  const use = async (act: (world: HeadWorld) => Promise<void>) => {
    await using fixture = await create();
    await using remote = await fixture.open();
    await act(headWorld(remote.heads, fixture));
  };

  describe(`remote heads: ${name}`, () => {
    test('a head is created once, and all clients read it', () =>
      use(async ({ heads, make, another }) => {
        expect(await heads.read(key('v/1'), noAbort)).toBeUndefined();
        const version = await make('v/1', 'one');
        await using other = await another();
        for (const reader of [heads, other.heads]) {
          const head = await reader.read(key('v/1'), noAbort);
          expect(asText(head?.bytes)).toBe('one');
          expect(head?.version).toBe(version);
        }
      }));

    test('a swap that expects no head gets a conflict with the present head', () =>
      use(async ({ heads, make, swap }) => {
        const version = await make('v/1', 'one');
        const outcome = await swap('v/1', 'two', null);
        expect(outcome).toMatchObject({ kind: 'conflict', found: { version } });
        expect(asText(outcome.kind === 'conflict' ? outcome.found?.bytes : undefined)).toBe('one');
        expect(asText((await heads.read(key('v/1'), noAbort))?.bytes)).toBe('one');
      }));

    test('a head moves from its current version only', () =>
      use(async ({ heads, make, move, swap }) => {
        const first = await make('v/1', 'one');
        const second = await move('v/1', 'two', first);
        expect(second).not.toBe(first);
        expect(await swap('v/1', 'late', first)).toMatchObject({ kind: 'conflict', found: { version: second } });
        expect(asText((await heads.read(key('v/1'), noAbort))?.bytes)).toBe('two');
      }));

    test('a version of a missing head gives a conflict with nothing', () =>
      use(async ({ heads, make, swap }) => {
        const version = await make('v/1', 'one');
        expect(await swap('v/2', 'two', version)).toEqual({ kind: 'conflict', found: undefined });
        expect(await heads.read(key('v/2'), noAbort)).toBeUndefined();
      }));

    test('a state with the same bytes as an earlier one has another version', () =>
      use(async ({ make, move, swap }) => {
        const first = await make('v/1', 'same');
        const second = await move('v/1', 'other', first);
        const third = await move('v/1', 'same', second);
        expect(new Set([first, second, third]).size).toBe(3);
        expect(await swap('v/1', 'late', first)).toMatchObject({ kind: 'conflict', found: { version: third } });
      }));

    test('a repeated swap succeeds as long as no other swap followed', () =>
      use(async ({ heads, attempt, move, make }) => {
        const first = await make('v/1', 'one');
        const request = { key: key('v/1'), bytes: text('two'), expected: first, attempt: attempt() };
        const moved = await heads.swap(request, noAbort);
        expect(moved.kind).toBe('moved');
        expect(await heads.swap(request, noAbort)).toEqual(moved);
        expect(asText((await heads.read(key('v/1'), noAbort))?.bytes)).toBe('two');
        if (moved.kind !== 'moved') return;
        const third = await move('v/1', 'three', moved.version);
        expect(await heads.swap(request, noAbort)).toMatchObject({ kind: 'conflict', found: { version: third } });
        expect(asText((await heads.read(key('v/1'), noAbort))?.bytes)).toBe('three');
      }));

    test('creating a head again with the same attempt creates it once', () =>
      use(async ({ heads, attempt }) => {
        const request = { key: key('v/1'), bytes: text('one'), expected: null, attempt: attempt() };
        const made = await heads.swap(request, noAbort);
        expect(made.kind).toBe('moved');
        expect(await heads.swap(request, noAbort)).toEqual(made);
      }));

    test('a removed head is gone, and a new one has new versions', () =>
      use(async ({ heads, attempt, make, swap }) => {
        const first = await make('v/1', 'one');
        const removal = { key: key('v/1'), expected: first, attempt: attempt() };
        expect(await heads.remove(removal, noAbort)).toEqual({ kind: 'removed' });
        expect(await heads.remove(removal, noAbort)).toEqual({ kind: 'removed' });
        expect(await heads.read(key('v/1'), noAbort)).toBeUndefined();
        expect(await swap('v/1', 'late', first)).toEqual({ kind: 'conflict', found: undefined });
        const again = await make('v/1', 'one');
        expect(again).not.toBe(first);
        expect(await heads.remove(removal, noAbort)).toMatchObject({ kind: 'conflict', found: { version: again } });
        expect(await swap('v/1', 'late', first)).toMatchObject({ kind: 'conflict', found: { version: again } });
      }));

    test('a repeated creation does not create a head again after its removal', () =>
      use(async ({ heads, attempt }) => {
        const request = { key: key('v/1'), bytes: text('one'), expected: null, attempt: attempt() };
        const made = await heads.swap(request, noAbort);
        if (made.kind !== 'moved') throw new Error('not made');
        const other = { ...request, bytes: text('two'), attempt: attempt() };
        expect(await heads.remove({ key: key('v/1'), expected: made.version, attempt: attempt() }, noAbort)).toEqual({
          kind: 'removed',
        });
        expect((await heads.swap(other, noAbort)).kind).toBe('moved');
        expect((await heads.swap(request, noAbort)).kind).toBe('conflict');
      }));

    test('a head is removed only in the version that was read', () =>
      use(async ({ heads, attempt, make, move }) => {
        const first = await make('v/1', 'one');
        const second = await move('v/1', 'two', first);
        const removal = { key: key('v/1'), expected: first, attempt: attempt() };
        expect(await heads.remove(removal, noAbort)).toMatchObject({ kind: 'conflict', found: { version: second } });
        const nothing = { key: key('v/2'), expected: first, attempt: attempt() };
        expect(await heads.remove(nothing, noAbort)).toEqual({ kind: 'conflict', found: undefined });
        expect(asText((await heads.read(key('v/1'), noAbort))?.bytes)).toBe('two');
      }));

    test.each(damages)('a damaged head (%s) is reported and listed, but neither moved nor removed as a head', (how) =>
      use(async ({ heads, attempt, make, swap, damage, another }) => {
        const version = await make('v/1', 'one');
        await make('v/2', 'two');
        await damage('v/1', how);
        await using other = await another();
        const calls = [
          () => heads.read(key('v/1'), noAbort),
          () => other.heads.read(key('v/1'), noAbort),
          () => swap('v/1', 'two', version),
          () => swap('v/1', 'two', null),
          () => heads.remove({ key: key('v/1'), expected: version, attempt: attempt() }, noAbort),
        ];
        for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'E_OBJECT_CORRUPT' });
        expect(await heads.list('', {}, noAbort)).toEqual({ keys: ['v/1', 'v/2'], more: false });
      }),
    );

    test.each(damages)('a damaged head (%s) is removed as damaged, and versions continue', (how) =>
      use(async ({ heads, attempt, make, move, swap, damage }) => {
        const seen = [await make('v/1', 'one')];
        seen.push(await move('v/1', 'two', seen[0] ?? expect.fail('no version')));
        await damage('v/1', how);
        const removal = { key: key('v/1'), attempt: attempt() };
        expect(await heads.removeDamaged(removal, noAbort)).toEqual({ kind: 'removed' });
        expect(await heads.removeDamaged(removal, noAbort)).toEqual({ kind: 'removed' });
        expect(await heads.read(key('v/1'), noAbort)).toBeUndefined();
        expect((await heads.list('', {}, noAbort)).keys).toEqual([]);
        for (const version of seen)
          expect(await swap('v/1', 'late', version)).toEqual({ kind: 'conflict', found: undefined });
        const again = await make('v/1', 'two');
        expect(seen).not.toContain(again);
        expect(await heads.removeDamaged(removal, noAbort)).toEqual({ kind: 'left' });
        expect(await heads.read(key('v/1'), noAbort)).toMatchObject({ version: again });
      }),
    );

    test('a readable, removed or missing head does not count as damaged', () =>
      use(async ({ heads, attempt, make }) => {
        await make('v/1', 'one');
        const expected = await make('v/2', 'gone');
        await heads.remove({ key: key('v/2'), expected, attempt: attempt() }, noAbort);
        for (const name of ['v/1', 'v/2', 'v/3'])
          expect(await heads.removeDamaged({ key: key(name), attempt: attempt() }, noAbort)).toEqual({ kind: 'left' });
        expect(asText((await heads.read(key('v/1'), noAbort))?.bytes)).toBe('one');
        await make('v/2', 'again');
        await make('v/3', 'first');
      }));

    test.each(damages)('the note of a removed head may be damaged (%s) too', (how) =>
      use(async ({ heads, attempt, make, damage }) => {
        const expected = await make('v/1', 'one');
        await heads.remove({ key: key('v/1'), expected, attempt: attempt() }, noAbort);
        await damage('v/1', how);
        await expect(heads.read(key('v/1'), noAbort)).rejects.toMatchObject({ code: 'E_OBJECT_CORRUPT' });
        expect((await heads.list('', {}, noAbort)).keys).toEqual(['v/1']);
        expect(await heads.removeDamaged({ key: key('v/1'), attempt: attempt() }, noAbort)).toEqual({
          kind: 'removed',
        });
        expect((await heads.list('', {}, noAbort)).keys).toEqual([]);
        expect(await make('v/1', 'again')).not.toBe(expected);
      }),
    );

    test('concurrent repairs never remove a newer head', () =>
      use(async ({ make, damage, another, heads }) => {
        await make('v/1', 'one');
        await damage('v/1', 'emptied');
        const added = await Promise.all(
          Array.from({ length: writers }, async (_, writer) => {
            await using own = await another();
            const attempt = countingAttempts(2000 + writer * 100);
            const words = [`${writer}.a`, `${writer}.b`];
            for (const word of words) {
              const removal = { key: key('v/1'), attempt: attempt() };
              await surely(() => own.heads.removeDamaged(removal, noAbort));
              await addWords(own.heads, { key: key('v/1'), words: [word], attempt });
            }
            return words;
          }),
        );
        const words = wordsOf((await heads.read(key('v/1'), noAbort))?.bytes);
        expect(words.toSorted()).toEqual(added.flat().toSorted());
      }));

    test('heads of any size up to the limit work', () =>
      use(async ({ heads, attempt }) => {
        const largest = noise(limits.remoteHeadBytes);
        const request = { key: key('v/1'), bytes: largest, expected: null, attempt: attempt() };
        expect((await heads.swap(request, noAbort)).kind).toBe('moved');
        expect(Buffer.from((await heads.read(key('v/1'), noAbort))?.bytes ?? []).equals(largest)).toBe(true);
        const larger = { ...request, bytes: noise(limits.remoteHeadBytes + 1), attempt: attempt() };
        await expect(heads.swap(larger, noAbort)).rejects.toMatchObject({ code: 'E_LIMIT' });
        const smallest = { key: key('v/2'), bytes: text('x'), expected: null, attempt: attempt() };
        expect((await heads.swap(smallest, noAbort)).kind).toBe('moved');
      }));

    test('a listing has the existing keys by prefix, in pages', () =>
      use(async ({ heads, attempt, make }) => {
        const keys = ['a-b', 'a/b/c', 'a/b0', 'a/c', 'b', 'b0/x'].map(key);
        for (const one of keys.toReversed()) await make(one, one);
        for (const gone of ['a/a', 'a/b1', 'c']) {
          const expected = await make(gone, 'gone');
          await heads.remove({ key: key(gone), expected, attempt: attempt() }, noAbort);
        }
        expect(await heads.list('', {}, noAbort)).toEqual({ keys, more: false });
        expect((await heads.list('a/b', {}, noAbort)).keys).toEqual(['a/b/c', 'a/b0']);
        const paged: RemoteKey[] = [];
        for (let more = true; more;) {
          const after = paged.at(-1);
          const page = await heads.list('', after === undefined ? { limit: 2 } : { after, limit: 2 }, noAbort);
          paged.push(...page.keys);
          ({ more } = page);
        }
        expect(paged).toEqual(keys);
      }));

    test('an aborted call does nothing', () =>
      use(async ({ heads, attempt, make }) => {
        const version = await make('v/1', 'one');
        const abort = new AbortController();
        abort.abort();
        const { signal } = abort;
        const swap = { key: key('v/1'), bytes: text('two'), expected: version, attempt: attempt() };
        const calls = [
          () => heads.read(key('v/1'), signal),
          () => heads.swap(swap, signal),
          () => heads.remove(swap, signal),
          () => heads.removeDamaged(swap, signal),
          () => heads.list('', {}, signal),
        ];
        for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'E_ABORTED' });
        expect(asText((await heads.read(key('v/1'), noAbort))?.bytes)).toBe('one');
      }));

    test(`none of ${writers * swaps} swaps by ${writers} machines at once is lost`, () =>
      use(async ({ heads, another }) => {
        const added = await Promise.all(
          Array.from({ length: writers }, async (_, writer) => {
            await using own = await another();
            const words = Array.from({ length: swaps }, (_word, index) => `${writer}.${index}`);
            await addWords(own.heads, { key: key('v/1'), words, attempt: countingAttempts(100 + writer) });
            return words;
          }),
        );
        const words = wordsOf((await heads.read(key('v/1'), noAbort))?.bytes);
        expect(words.toSorted()).toEqual(added.flat().toSorted());
      }));

    test('of concurrent creations one succeeds', () =>
      use(async ({ another }) => {
        for (let round = 0; round < 5; round++) {
          const outcomes = await Promise.all(
            Array.from({ length: 6 }, async (_, writer) => {
              await using own = await another();
              const attempt = countingAttempts(1000 + round * 10 + writer)();
              const request = { key: key(`v/${round}`), bytes: text(`${writer}`), expected: null, attempt };
              return (await surely(() => own.heads.swap(request, noAbort))).kind;
            }),
          );
          expect(outcomes.filter((kind) => kind === 'moved')).toHaveLength(1);
        }
      }));
  });
}

interface HeadWorld {
  readonly heads: RemoteHeads;
  readonly attempt: () => AttemptId;
  readonly another: () => Promise<AsyncDisposable & { readonly heads: RemoteHeads }>;
  readonly damage: (name: string, damage: HeadDamage) => Promise<void>;
  readonly swap: (name: string, content: string, expected: HeadVersion | null) => ReturnType<RemoteHeads['swap']>;
  /** Creates a missing head; returns its version. */
  readonly make: (name: string, content: string) => Promise<HeadVersion>;
  readonly move: (name: string, content: string, expected: HeadVersion) => Promise<HeadVersion>;
}

function headWorld(heads: RemoteHeads, fixture: RemoteFixture): HeadWorld {
  const attempt = countingAttempts();
  const swap: HeadWorld['swap'] = (name, content, expected) =>
    heads.swap({ key: key(name), bytes: text(content), expected, attempt: attempt() }, noAbort);
  const move = async (name: string, content: string, expected: HeadVersion | null): Promise<HeadVersion> => {
    const outcome = await swap(name, content, expected);
    if (outcome.kind !== 'moved') throw new Error(`${name} did not move to ${content}`);
    return outcome.version;
  };
  return {
    heads,
    attempt,
    another: () => fixture.open(),
    damage: (name, damage) => fixture.damageHead(key(name), damage),
    swap,
    move,
    make: (name, content) => move(name, content, null),
  };
}

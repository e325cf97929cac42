import { join } from 'node:path';
import {
  CachelaneError,
  type AttemptId,
  type DamageRemoval,
  type DamageRemovalOutcome,
  type HeadRemovalOutcome,
  type HeadVersion,
  type RemoteHead,
  type RemoteHeads,
  type RemoteKey,
  type SwapOutcome,
} from '@cachelane/core';
import { decodeHead, decodeUnlessDamaged, encodeHead, isRemoval, removedHeadBytes } from '../content/head-document.ts';
import { assertHeadSize, throwIfAborted } from '../base/remote-errors.ts';
import { errnoOf, isMissing } from './dir-errors.ts';
import { dirLooks } from './dir-files.ts';
import { dirCall, headsDir, type DirPlace } from './dir-place.ts';
import { addState, highest, numbersIn } from './head-states.ts';
import { pageOf } from './walk-keys.ts';

// A head is a directory of numbered files, one for each state; the newest is the head. Creating the next number is
// the compare-and-swap, because link(2) fails if the name exists, also on network file systems.

interface State {
  readonly number: number;
  readonly attempt: AttemptId;
  readonly bytes: Uint8Array | null;
}

interface Step {
  readonly key: RemoteKey;
  readonly expected: HeadVersion | null;
  readonly attempt: AttemptId;
  /** Null removes the head. */
  readonly bytes: Uint8Array | null;
}

const leafName = ({ name }: { readonly name: string }): string | null =>
  name.endsWith('@') ? name.slice(0, -1) : null;

const versionOf = ({ number, attempt }: State): HeadVersion => `${number}-${attempt}` as HeadVersion;

function headOf(state: State | undefined): RemoteHead | undefined {
  return state === undefined || state.bytes === null ? undefined : { bytes: state.bytes, version: versionOf(state) };
}

export function dirHeads(place: DirPlace): RemoteHeads {
  const dirOf = (key: RemoteKey): string => join(headsDir(place), `${key}@`);
  const step = (wanted: Step, signal: AbortSignal) =>
    dirCall(place, { doing: 'writing', signal }, () => swapState(place, { ...wanted, dir: dirOf(wanted.key), signal }));
  return {
    read: (key, signal) =>
      dirCall(place, { doing: 'reading', signal }, async () =>
        headOf(await newestState(place, { key, dir: dirOf(key), signal })),
      ),
    async swap(request, signal) {
      assertHeadSize(request);
      return await step(request, signal);
    },
    async remove(request, signal): Promise<HeadRemovalOutcome> {
      const outcome = await step({ ...request, bytes: null }, signal);
      return outcome.kind === 'moved' ? { kind: 'removed' } : outcome;
    },
    removeDamaged: ({ key, attempt }, signal) =>
      dirCall(place, { doing: 'writing', signal }, () =>
        removeDamaged(place, { key, attempt, dir: dirOf(key), signal }),
      ),
    list: (prefix, page, signal) =>
      dirCall(place, { doing: 'reading', signal }, async () => {
        const { items, more } = await pageOf({ root: headsDir(place), prefix, page, leafName }, async (found) =>
          (await isThere(found.path)) ? found.key : undefined,
        );
        return { keys: items, more };
      }),
  };
}

interface Placed {
  readonly key: RemoteKey;
  readonly dir: string;
  readonly signal: AbortSignal;
}

interface StateFile {
  readonly number: number;
  readonly encoded: Uint8Array;
}

const nameOf = (place: DirPlace, { key }: Placed): string => `the head ${key} in ${place.name}`;

async function newestState(place: DirPlace, placed: Placed): Promise<State | undefined> {
  const newest = await newestFile(placed);
  return newest && { number: newest.number, ...decodeHead(newest.encoded, nameOf(place, placed)) };
}

async function newestFile({ dir, signal }: Placed): Promise<StateFile | undefined> {
  // If the file is gone again, others have moved the head at least eight times since.
  for (;;) {
    throwIfAborted(signal);
    const number = highest(await numbersIn(dir));
    if (number === undefined) return undefined;
    try {
      return { number, encoded: await dirLooks.read(join(dir, `${number}`)) };
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
}

async function swapState(place: DirPlace, wanted: Step & Placed): Promise<SwapOutcome> {
  const encoded = encodeHead(wanted);
  for (;;) {
    const newest = await newestState(place, wanted);
    if (newest?.attempt === wanted.attempt) return { kind: 'moved', version: versionOf(newest) };
    const now = headOf(newest);
    if ((now?.version ?? null) !== wanted.expected) return { kind: 'conflict', found: now };
    const number = (newest?.number ?? 0) + 1;
    switch (await tryAdd(place, { dir: wanted.dir, number, encoded })) {
      case 'there-already':
        // Another client's state, or our own from a request whose answer was lost: look again.
        continue;
      case 'overtaken':
        return { kind: 'conflict', found: headOf(await newestState(place, wanted)) };
      case 'added':
        return { kind: 'moved', version: versionOf({ ...wanted, number }) };
    }
  }
}

/** If others moved on from the same state, the next number exists. */
async function removeDamaged(place: DirPlace, wanted: DamageRemoval & Placed): Promise<DamageRemovalOutcome> {
  const { dir, attempt } = wanted;
  const encoded = encodeHead({ attempt, bytes: null });
  for (;;) {
    const newest = await newestFile(wanted);
    if (newest === undefined) return { kind: 'left' };
    const state = decodeUnlessDamaged(newest.encoded, nameOf(place, wanted));
    if (state !== null) return { kind: state.attempt === attempt ? 'removed' : 'left' };
    if ((await tryAdd(place, { dir, number: newest.number + 1, encoded })) === 'added') return { kind: 'removed' };
  }
}

async function tryAdd(
  place: DirPlace,
  state: Parameters<typeof addState>[1],
): Promise<'there-already' | 'overtaken' | 'added'> {
  try {
    return await addState(place, state);
  } catch (error) {
    // A sweep removes the file of a writer that slept for more than a day.
    if (isMissing(error)) {
      throw new CachelaneError('E_REMOTE_GONE', `a file was removed while it was written in ${place.name}`, {
        retryable: true,
        cause: error,
      });
    }
    if (errnoOf(error) === 'EEXIST') return 'there-already';
    throw error;
  }
}

/** Decides by size, so that a listing reads no heads. Only heads with the size of a removed one may be damaged. */
async function isThere(dir: string): Promise<boolean> {
  const number = highest(await numbersIn(dir));
  if (number === undefined) return false;
  const path = join(dir, `${number}`);
  try {
    if ((await dirLooks.stat(path)).sizeBytes !== removedHeadBytes) return true;
    return !isRemoval(await dirLooks.read(path));
  } catch (error) {
    // The head moved eight times meanwhile, so it exists.
    if (isMissing(error)) return true;
    throw error;
  }
}

import { CachelaneError, compatKey, type LaneName, type VolumeRecord } from '@cachelane/core';
import { listHeadsOf, type ListedHead } from '@cachelane/engine';
import { compatText } from '../context/find-volume.ts';
import type { ReadStore } from '../home/store.ts';

/** Heads of some volumes, in one lane or in all. */
export async function headsOf(
  store: ReadStore,
  volumes: readonly VolumeRecord[],
  lane: LaneName | null,
): Promise<readonly ListedHead[]> {
  const heads = await listHeadsOf(store.metadata, volumes, store.signal);
  return heads.filter(({ head }) => lane === null || head.lane === lane);
}

export function nothingInLane(
  volume: string,
  lane: LaneName,
  { heads, hint }: { readonly heads: readonly ListedHead[]; readonly hint: string },
): CachelaneError {
  const lanes = [...new Set(heads.map(({ head }) => head.lane))];
  return new CachelaneError('E_NOT_FOUND', `${volume} has nothing in lane ${lane}`, {
    hint: lanes.length === 0 ? hint : `it has: ${lanes.join(', ')}`,
  });
}

export interface OneHeadQuestion {
  /** As typed, for people. */
  readonly volume: string;
  readonly variants: readonly VolumeRecord[];
  readonly lane: LaneName;
  /** As `compatKey` or `compatText` writes it; undefined where there is one only. */
  readonly compat: string | undefined;
}

export const compatOption = {
  compat: {
    value: 'COMPAT',
    help: 'where a volume has several variants: this one, as in arch=x64,os=linux, or - for the one that suits everyone',
  },
} as const;

/** The one head that is meant. Errors: E_NOT_FOUND, and E_USAGE where several variants of the volume have that lane. */
export async function oneHead(store: ReadStore, question: OneHeadQuestion): Promise<ListedHead> {
  const { volume: name, variants, lane, compat } = question;
  const heads = await headsOf(store, variants, null);
  const inLane = heads.filter(({ head }) => head.lane === lane);
  const wanted = inLane.filter(({ volume }) => compat === undefined || isCalled(volume, compat));
  const [only] = wanted;
  if (only !== undefined && wanted.length === 1) return only;
  if (inLane.length === 0) throw nothingInLane(name, lane, { heads, hint: 'see: cachelane ls' });
  const known = inLane.map(({ volume }) => optionText(volume)).join(' or ');
  if (only === undefined) {
    throw new CachelaneError('E_NOT_FOUND', `${name} has no variant ${compat} in lane ${lane}`, {
      hint: `it has: ${known}`,
    });
  }
  throw new CachelaneError('E_USAGE', `${name} has ${wanted.length} variants in lane ${lane}`, {
    hint: `say which one with --compat: ${known}`,
  });
}

/** What tables show counts too: nobody should have to learn a second way to write it. */
function isCalled({ compat }: VolumeRecord, text: string): boolean {
  return text === compatKey(compat) || text === compatText(compat);
}

/** What chooses it after `--compat`: one word, also where there is no field. */
function optionText({ compat }: VolumeRecord): string {
  return compatKey(compat) || compatText(compat);
}

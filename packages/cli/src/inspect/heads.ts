import { CachelaneError, compatKey, type LaneName, type VolumeRecord } from '@cachelane/core';
import { listHeadsOf, type ListedHead } from '@cachelane/engine';
import { compatText } from '../context/find-volume.ts';
import type { ReadStore } from '../home/store.ts';

/** Returns the heads of volumes, in one lane or all. */
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
  return new CachelaneError('E_NOT_FOUND', `${volume} is empty in lane ${lane}`, {
    hint: lanes.length === 0 ? hint : `lanes: ${lanes.join(', ')}`,
  });
}

export interface OneHeadQuestion {
  /** As typed, for messages. */
  readonly volume: string;
  readonly variants: readonly VolumeRecord[];
  readonly lane: LaneName;
  /** In the form of `compatKey` or `compatText`; undefined if there is only one variant. */
  readonly compat: string | undefined;
}

export const compatOption = {
  compat: {
    value: 'COMPAT',
    help: 'which variant of the volume, as in arch=x64,os=linux, or - for the one without compat',
  },
} as const;

/** Returns the only matching head. Errors: E_NOT_FOUND, and E_USAGE if several variants have that lane. */
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
      hint: `variants: ${known}`,
    });
  }
  throw new CachelaneError('E_USAGE', `${name} has ${wanted.length} variants in lane ${lane}`, {
    hint: `choose one with --compat: ${known}`,
  });
}

/** Accepts the form that tables show, too. */
function isCalled({ compat }: VolumeRecord, text: string): boolean {
  return text === compatKey(compat) || text === compatText(compat);
}

/** Returns the value for `--compat`, also for a volume without fields. */
function optionText({ compat }: VolumeRecord): string {
  return compatKey(compat) || compatText(compat);
}

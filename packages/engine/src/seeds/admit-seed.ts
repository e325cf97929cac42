import { CachelaneError, formatPolicyValue, type ProviderRoom, type SeedLook } from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import type { RunCommandRequest } from '../model/run-request.ts';
import { freeSpaceLimit } from '../evictions/plan-evictions.ts';
import { policyOfRun, type PolicyQuestion } from '../evictions/policy-of-run.ts';
import type { DirectorySeed } from '../model/seeds.ts';

export interface SeedToAdmit extends DirectorySeed {
  readonly lanePolicy: RunCommandRequest['lanePolicy'];
}

export type AdmitDependencies = Pick<EngineDependencies, 'metadata' | 'layers' | 'policy'>;

/** Checks a seed directory against `volume-size` and returns the limit. Errors: E_QUOTA, with the limit's source. */
export async function admitSeed(
  deps: Pick<AdmitDependencies, 'metadata' | 'policy'>,
  { planned, directory, lanePolicy }: SeedToAdmit,
  { sizeBytes, signal }: Pick<SeedLook, 'sizeBytes'> & { readonly signal: AbortSignal },
): Promise<number> {
  const question = { namespace: planned.own.namespace, lanePolicy, volume: planned.request.name };
  const { value, source } = (await policyOfRun(deps, question, signal))['volume-size'];
  if (sizeBytes <= value) return value;
  const most = formatPolicyValue('volume-size', value);
  throw refusal(`${sizeText(directory, sizeBytes)}, and a seed may hold ${most} (policy volume-size, ${source})`);
}

/** Returns how many bytes a provider may fetch. */
export async function roomToFetch(
  deps: AdmitDependencies,
  question: PolicyQuestion,
  signal: AbortSignal,
): Promise<ProviderRoom> {
  const { value } = (await policyOfRun(deps, question, signal))['volume-size'];
  return { seedBytes: value, diskBytes: (await freeRoom(deps, signal)).room };
}

async function freeRoom(
  { layers, policy: user = {} }: Pick<AdmitDependencies, 'layers' | 'policy'>,
  signal: AbortSignal,
): Promise<{ readonly room: number; readonly limit: number }> {
  const space = await layers.space(signal);
  const limit = freeSpaceLimit({ user, stored: [], lanes: [] }, space);
  return { room: Math.max(0, space.freeBytes - limit), limit };
}

/** Checks that the store's disk has room for a copy, and returns how much. Errors: E_QUOTA, with the limit's source. */
export async function roomForSeed(
  deps: AdmitDependencies,
  { directory }: DirectorySeed,
  { sizeBytes, signal }: Pick<SeedLook, 'sizeBytes'> & { readonly signal: AbortSignal },
): Promise<number> {
  const { room, limit } = await freeRoom(deps, signal);
  if (sizeBytes <= room) return room;
  const least = formatPolicyValue('free-space', limit);
  const source = deps.policy?.['free-space']?.source ?? 'default';
  throw refusal(
    `${sizeText(directory, sizeBytes)}, and a copy would leave less than ${least} free (policy free-space, ${source})`,
  );
}

function sizeText(directory: string, sizeBytes: number): string {
  return `${directory} holds ${formatPolicyValue('volume-size', sizeBytes)}`;
}

function refusal(message: string): CachelaneError {
  return new CachelaneError('E_QUOTA', message, {
    hint: 'name a part of it as the source, or raise the limit: see cachelane ns policy',
  });
}

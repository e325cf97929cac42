import {
  CachelaneError,
  encodeManifest,
  headKey,
  limits,
  newAttempt,
  type Clock,
  type HeadManifest,
  type HeadName,
  type Random,
  type Remote,
} from '@cachelane/core';
import { backOff } from '../../base/back-off.ts';
import { everyLayerOf } from './compare-heads.ts';
import { readHead, toFound } from './remote-heads.ts';

export interface ChangeDependencies {
  readonly remote: Remote;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Moves a remote head by compare-and-swap, with retries. `change` returns null to leave it. Returns whether the head moved. Errors: those
 * of the remote, E_HEAD_MOVED.
 */
export async function changeHead(
  deps: ChangeDependencies,
  name: HeadName,
  change: (manifest: HeadManifest) => HeadManifest | null | Promise<HeadManifest | null>,
  signal: AbortSignal,
): Promise<boolean> {
  const { remote, random } = deps;
  const key = headKey(name);
  let found = await readHead(remote, key, name, signal);
  for (let attempt = 0; attempt < limits.commitAttempts; attempt++) {
    const changed = found.manifest === null ? null : await change(found.manifest);
    if (changed === null) return false;
    const outcome = await remote.heads.swap(
      { key, bytes: encodeManifest(changed), expected: found.version, attempt: newAttempt(random.bytes(16)) },
      signal,
    );
    if (outcome.kind === 'moved') return true;
    found = toFound(outcome.found, name);
    await backOff(deps, attempt, signal);
  }
  throw new CachelaneError('E_HEAD_MOVED', `${name.volume} on lane ${name.lane} moved ${limits.commitAttempts} times`, {
    hint: 'try again when fewer runs end at once',
    retryable: true,
  });
}

/**
 * Removes every layer from a remote head and keeps the empty head. Other machines then drop those layers at their next sync, but keep what
 * they saved since. Returns whether the head had layers.
 */
export async function emptyHead(deps: ChangeDependencies, name: HeadName, signal: AbortSignal): Promise<boolean> {
  return await changeHead(
    deps,
    name,
    (manifest) => {
      if (manifest.layers.length === 0) return null;
      const removed = [...everyLayerOf(manifest).map(({ id }) => id), ...manifest.removed];
      return { ...manifest, layers: [], runs: [], squashes: [], removed };
    },
    signal,
  );
}

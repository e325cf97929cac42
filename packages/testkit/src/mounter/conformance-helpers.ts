import {
  invariant,
  newId,
  type AttachedVolume,
  type AttachRequest,
  type BytePath,
  type Change,
  type ChangeSet,
  type LaneName,
  type SessionId,
  type StagedEntry,
  type StoredLayer,
} from '@cachelane/core';
import { runIdOf } from '../arbitraries/layers.ts';
import { stageAll } from '../layers/change-sets.ts';
import type { MounterFixture } from './mounter-fixture.ts';
import type { SeenVolume, VolumeStep } from './volume-steps.ts';

export const noAbort: AbortSignal = new AbortController().signal;

export function sessionIdOf(number: number): SessionId {
  return newId('session', new Uint8Array(16).fill(number));
}

let sessions = 0;

/** A request for the fixture's volume with its own session and target by default. */
export function attachRequest(fixture: MounterFixture, given: Partial<AttachRequest> = {}): AttachRequest {
  sessions += 1;
  // `live` shares a directory between runs of one volume, so each request gets its own volume.
  const volume = fixture.mounter.name === 'live' ? sessions : 1;
  return {
    sessionId: newId('session', Buffer.from(sessions.toString(16).padStart(32, '0'), 'hex')),
    ordinal: 0,
    view: [],
    links: [],
    target: `${fixture.targets}/volume-${sessions}`,
    reach: 'symlink',
    run: runIdOf(sessions % 200),
    kept: {
      volume: newId('volume', new Uint8Array(Buffer.from(volume.toString(16).padStart(32, '0'), 'hex'))),
      key: `volume-${volume}`,
      lane: 't1:local' as LaneName,
    },
    amongMounts: async (use) => {
      await Promise.resolve();
      use([]);
    },
    near: fixture.targets,
    looks: false,
    samePath: true,
    isNeverSaved: () => false,
    ...given,
  };
}

/** Collects a run's changes with a mounter that does not share. */
export async function collect(volume: AttachedVolume): Promise<ChangeSet> {
  const collected = await volume.collect(noAbort, { inUse: false, wanted: true });
  invariant(collected.kind === 'changes', 'nobody else is at work');
  return collected.changes;
}

/** Attaches in a new session at a new target. */
export async function attach(fixture: MounterFixture, view: readonly StoredLayer[] = []): Promise<AttachedVolume> {
  return fixture.mounter.attach(attachRequest(fixture, { view }), noAbort);
}

/** Returns the changes of a run of these steps over the view. */
export async function changesOf(
  fixture: MounterFixture,
  view: readonly StoredLayer[],
  steps: readonly VolumeStep[],
): Promise<ChangeSet> {
  const volume = await attach(fixture, view);
  await fixture.run(volume, steps);
  return collect(volume);
}

/** Saves the changes like a tool without rules. */
export async function save(fixture: MounterFixture, changes: ChangeSet, run = 1): Promise<StoredLayer> {
  const entries: readonly StagedEntry[] = stageAll(changes, { run: runIdOf(run) });
  const staged = await fixture.layers.stage({ changes, entries, sealedAtMs: run }, noAbort);
  await fixture.layers.publish(staged, noAbort);
  return fixture.layers.open(staged.id, noAbort);
}

/** Returns a layer with the result of the steps over the view. */
export async function layerOf(
  fixture: MounterFixture,
  steps: readonly VolumeStep[],
  view: readonly StoredLayer[] = [],
): Promise<StoredLayer> {
  return save(fixture, await changesOf(fixture, view, steps));
}

export async function lookAt(fixture: MounterFixture, view: readonly StoredLayer[]): Promise<SeenVolume> {
  const volume = await attach(fixture, view);
  const seen = await fixture.look(volume);
  await volume.release(noAbort);
  return seen;
}

/** Returns a change without times as one line, for comparison. */
function describeChange(changes: ChangeSet, change: Change): string {
  switch (change.kind) {
    case 'file':
      return `file ${change.mode.toString(8)} ${Buffer.from(changes.read(change.path)).toString('latin1')}`;
    case 'dir':
      return `dir ${change.mode.toString(8)}${change.replaces ? ' replaces' : ''}`;
    case 'symlink':
      return `symlink ${Buffer.from(change.target).toString('latin1')}`;
    case 'removed':
      return 'removed';
    case 'special':
      return `special ${change.what}`;
  }
}

/** By path, without directories that equal the view's: mounters may list them. */
export function describeChanges(changes: ChangeSet, before: SeenVolume): Readonly<Record<string, string>> {
  const lines: [string, string][] = [];
  for (const change of changes.changes) {
    const old = before.get(change.path);
    const isOld = change.kind === 'dir' && !change.replaces && old?.type === 'dir' && old.mode === change.mode;
    if (!isOld) lines.push([change.path, describeChange(changes, change)]);
  }
  return Object.fromEntries(lines.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Whether directories come before their contents. */
export function isParentsFirst(changes: ChangeSet): boolean {
  const seen = new Set<BytePath>();
  return changes.changes.every(({ path }) => {
    seen.add(path);
    return ![...seen].some((other) => other.startsWith(`${path}/`));
  });
}

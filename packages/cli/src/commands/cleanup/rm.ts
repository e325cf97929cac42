import {
  CachelaneError,
  isCachelaneError,
  parseLane,
  parseVolumeAddress,
  type Context,
  type HeadManifest,
  type LaneName,
  type Remote,
  type SyncedHead,
} from '@cachelane/core';
import { emptyHead, findHeads, removeVolumes, requireWritable, type ListedHead } from '@cachelane/engine';
import { defineCommand, jsonOption, projectOptions, type Command } from '../../host/command.ts';
import { compatText, findVolume, projectOf, type FoundVolume, type VolumeQuestion } from '../../context/find-volume.ts';
import { formatBytes, plural } from '../../base/format.ts';
import { headsOf, nothingInLane } from '../../inspect/heads.ts';
import type { Host } from '../../host/host.ts';
import { openChosenRemote, requireRemote } from '../../remotes/open-chosen-remote.ts';
import { printJson } from '../../host/print.ts';
import { parseRemoteFlags, whichRemote, type RemoteFlags } from '../../remotes/remote-flags.ts';
import { sparingStore, type ReadStore } from '../../home/store.ts';

export const rm: Command = defineCommand({
  name: 'rm',
  summary: 'remove a volume from one lane or all lanes',
  examples: ['cachelane rm npm --dry-run', 'cachelane rm npm --all-lanes'],
  details: [
    'By default, removes it from the lane that a run here would write. The next run on that lane starts cold. Rollback cannot restore it, since the history is removed too. Running commands keep their files, but their changes to the removed contents are not saved. A run that may not save may not remove. To free the space, run cachelane gc.',
    'A remote keeps its copy, and the next run that uses the remote restores it. With --shared, the remote copy is removed first, and other machines drop theirs with their next run. Changes that another machine has not pushed yet stay there.',
  ],
  options: {
    ...projectOptions,
    lane: { value: 'LANE', help: 'this lane (see cachelane ls)' },
    'all-lanes': { help: 'every lane, and the volume itself' },
    shared: { help: 'also remove it from the remote, so that other machines drop it' },
    ...whichRemote,
    'dry-run': { help: 'show what would be removed without removing it' },
    ...jsonOption,
  },
  operands: [{ name: 'VOLUME', help: 'NAME, or NAMESPACE:NAME' }],
  async run({ options, operands }, host) {
    const wanted = { ...options, allLanes: options['all-lanes'] };
    const { context } = await projectOf(host, options);
    // Runs that may not save may not remove what others saved, on any lane.
    requireWritable(context);
    const lane = laneToRemove(context.lane, wanted);
    const flags = await parseRemoteFlags(host, options);
    await using remote = options.shared ? await openSharing(host, flags) : null;
    return await sparingStore(host, async (store) => {
      const question = { ...options, volume: operands.VOLUME };
      const there =
        remote === null ? [] : await findThere(remote, { address: operands.VOLUME, context, lane }, store.signal);
      const found = await findHere(host, store, question, there.length > 0);
      const heads = found === null ? [] : await headsOf(store, found.variants, null);
      const removed = heads.filter(({ head }) => lane === null || head.lane === lane);
      if (removed.length + there.length === 0 && lane !== null) {
        throw nothingInLane(operands.VOLUME, lane, { heads, hint: '--all-lanes removes the empty volume' });
      }
      const isSynced = await areSynced(store, removed);
      if (!options['dry-run']) {
        if (remote !== null) await emptyAll(host, remote, there, store.signal);
        if (found !== null) await removeHere(store, { found, removed, lane });
      }
      const name = nameOf(operands.VOLUME, context, found);
      if (options.json) printJson(host, toJson(name, { removed, there }, options['dry-run']));
      else host.stdout.write(text(name, { removed, there }, options['dry-run']));
      if (remote === null && isSynced && !options.json) {
        host.stdout.write(
          'A remote has a copy, and the next run restores it. cachelane rm --shared removes it there too.\n',
        );
      }
      return 0;
    });
  },
});

interface Removed {
  readonly removed: readonly ListedHead[];
  /** Heads in the remote. */
  readonly there: readonly HeadManifest[];
}

interface ThereQuestion {
  readonly address: string;
  readonly context: Context;
  readonly lane: LaneName | null;
}

async function findThere(
  remote: Remote,
  { address, context, lane }: ThereQuestion,
  signal: AbortSignal,
): Promise<readonly HeadManifest[]> {
  const { namespace, name } = parseVolumeAddress(address);
  const found = await findHeads(remote, { namespace: namespace ?? context.namespace, volume: name, lane }, signal);
  return found.filter(({ layers }) => layers.length > 0);
}

/** Volumes that only the remote has can be removed there. */
async function findHere(
  host: Host,
  store: ReadStore,
  question: VolumeQuestion,
  mayBeMissing: boolean,
): Promise<FoundVolume | null> {
  try {
    return await findVolume(host, store, question);
  } catch (error) {
    if (mayBeMissing && isCachelaneError(error, 'E_NOT_FOUND')) return null;
    throw error;
  }
}

async function emptyAll(
  { clock, random }: Host,
  remote: Remote,
  there: readonly HeadManifest[],
  signal: AbortSignal,
): Promise<void> {
  for (const name of there) await emptyHead({ remote, clock, random }, name, signal);
}

interface Removal {
  readonly found: FoundVolume;
  readonly removed: readonly ListedHead[];
  readonly lane: LaneName | null;
}

async function removeHere(store: ReadStore, { found, removed, lane }: Removal): Promise<void> {
  const held = new Set(removed.map(({ volume }) => volume.id));
  const variants = found.variants.map(({ id }) => id);
  const deps = { metadata: store.metadata, mounters: await store.mounters() };
  await removeVolumes(deps, { variants, held, lane }, store.signal);
}

function nameOf(address: string, context: Context, found: FoundVolume | null): string {
  const { namespace, name } = parseVolumeAddress(address);
  return `${found?.namespace ?? namespace ?? context.namespace}:${name}`;
}

async function openSharing(host: Host, flags: RemoteFlags): Promise<Remote> {
  return requireRemote(await openChosenRemote(host, { flags, strict: true, warn: () => undefined }));
}

function isOf({ volumeId, lane }: SyncedHead, { head }: ListedHead): boolean {
  return head.volumeId === volumeId && head.lane === lane;
}

async function areSynced({ metadata, signal }: ReadStore, removed: readonly ListedHead[]): Promise<boolean> {
  const records = await metadata.listSyncedHeads(null, signal);
  return records.some((record) => record.layers.length > 0 && removed.some((each) => isOf(record, each)));
}

interface LaneChoice {
  readonly lane: string | undefined;
  readonly allLanes: boolean;
}

/** Null for all lanes. */
function laneToRemove(own: LaneName, choice: LaneChoice): LaneName | null {
  if (choice.allLanes) {
    if (choice.lane === undefined) return null;
    throw new CachelaneError('E_USAGE', '--lane and --all-lanes cannot be combined');
  }
  if (choice.lane === undefined) return own;
  parseLane(choice.lane);
  return choice.lane as LaneName;
}

function toJson(name: string, { removed, there }: Removed, dryRun: boolean): unknown {
  return {
    dryRun,
    volume: name,
    removed: removed.map(({ volume, head, sizeBytes }) => ({
      compat: volume.compat,
      lane: head.lane,
      generation: head.generation,
      layers: head.layers.length,
      sizeBytes,
    })),
    inRemote: there.map(({ compat, lane, layers }) => ({ compat, lane, layers: layers.length })),
  };
}

function text(name: string, { removed, there }: Removed, dryRun: boolean): string {
  const verb = dryRun ? 'would remove' : 'removed';
  if (removed.length + there.length === 0) return `${verb} ${name}, which is empty\n`;
  const here = removed.map(({ volume, head, sizeBytes }) => {
    const what = `${plural(head.layers.length, 'layer')}, ${formatBytes(sizeBytes)}`;
    return `${verb} ${name} (${compatText(volume.compat)}) in lane ${head.lane}: generation ${head.generation}, ${what}\n`;
  });
  const elsewhere = there.map(
    ({ compat, lane, layers }) =>
      `${verb} ${name} (${compatText(compat)}) in lane ${lane} of the remote: ${plural(layers.length, 'layer')}\n`,
  );
  return [...here, ...elsewhere].join('');
}

import { CachelaneError, parseLane, type KeptDirectory, type LaneName } from '@cachelane/core';
import { findKept, removeKept, requireWritable } from '@cachelane/engine';
import { defineCommand, jsonOption, projectOptions, type Command } from '../command.ts';
import { compatText, findVolume, projectOf } from '../find-volume.ts';
import { formatBytes, plural } from '../format.ts';
import { headsOf, nothingInLane, type ListedHead } from '../heads.ts';
import { printJson } from '../print.ts';
import { readStore } from '../store.ts';

export const rm: Command = defineCommand({
  name: 'rm',
  summary: 'remove a volume from one lane, or from all',
  details: [
    'Without --lane and --all-lanes it is the lane that a run here would write. The next run starts cold on that lane: rollback does not bring it back, since the history goes as well. Runs that are under way keep what they see. Where a run may save nothing, nothing is removed either. The space comes back with: cachelane gc.',
  ],
  options: {
    ...projectOptions,
    lane: { value: 'LANE', help: 'this lane, as cachelane ls shows it' },
    'all-lanes': { help: 'every lane, and the volume itself' },
    'dry-run': { help: 'say what would be removed, and remove nothing' },
    ...jsonOption,
  },
  operands: [{ name: 'VOLUME', help: 'NAME, or NAMESPACE:NAME' }],
  async run({ options, operands }, host) {
    const wanted = { ...options, allLanes: options['all-lanes'] };
    const { context } = await projectOf(host, options);
    // Also of another lane, or of all: whoever may save nothing may not take away what others saved.
    requireWritable(context);
    const lane = laneToRemove(context.lane, wanted);
    return await readStore(host, async (store) => {
      const found = await findVolume(host, store, { ...options, volume: operands.VOLUME });
      const heads = await headsOf(store, found.variants, null);
      const removed = heads.filter(({ head }) => lane === null || head.lane === lane);
      if (removed.length === 0 && lane !== null) {
        throw nothingInLane(operands.VOLUME, lane, { heads, hint: '--all-lanes removes the empty volume' });
      }
      if (!options['dry-run']) {
        const concerned = new Set(removed.map(({ volume }) => volume.id));
        for (const { id } of found.variants) {
          // With all lanes a variant goes as well that has no head left.
          if (lane === null || concerned.has(id)) await store.metadata.removeVolume(id, lane, store.signal);
        }
        const mounters = await store.mounters();
        const ids = new Set(found.variants.map(({ id }) => id));
        const isGone = (kept: KeptDirectory): boolean => ids.has(kept.volume) && (lane === null || kept.lane === lane);
        await removeKept(mounters, await findKept(mounters, isGone, store.signal), store.signal);
      }
      const name = `${found.namespace}:${found.variants[0]?.name ?? ''}`;
      if (options.json) printJson(host, toJson(name, removed, options['dry-run']));
      else host.stdout.write(text(name, removed, options['dry-run']));
      return 0;
    });
  },
});

interface LaneChoice {
  readonly lane: string | undefined;
  readonly allLanes: boolean;
}

/** Null: all of them. */
function laneToRemove(own: LaneName, choice: LaneChoice): LaneName | null {
  if (choice.allLanes) {
    if (choice.lane === undefined) return null;
    throw new CachelaneError('E_USAGE', '--lane and --all-lanes exclude each other');
  }
  if (choice.lane === undefined) return own;
  parseLane(choice.lane);
  return choice.lane as LaneName;
}

function toJson(name: string, removed: readonly ListedHead[], dryRun: boolean): unknown {
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
  };
}

function text(name: string, removed: readonly ListedHead[], dryRun: boolean): string {
  const verb = dryRun ? 'would remove' : 'removed';
  if (removed.length === 0) return `${verb} ${name}, which holds nothing\n`;
  return removed
    .map(({ volume, head, sizeBytes }) => {
      const what = `${plural(head.layers.length, 'layer')}, ${formatBytes(sizeBytes)}`;
      return `${verb} ${name} (${compatText(volume.compat)}) in lane ${head.lane}: generation ${head.generation}, ${what}\n`;
    })
    .join('');
}

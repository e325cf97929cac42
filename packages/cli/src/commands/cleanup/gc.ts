import { backgroundVariable, displayPath, trustLevels } from '@cachelane/core';
import {
  collectGarbage,
  findGarbage,
  requireWritable,
  type GarbageOptions,
  type GarbageReport,
  overBudget,
  type PlannedEviction,
  type PlannedGrowth,
} from '@cachelane/engine';
import { alone, aloneOrNext } from '../../host/alone.ts';
import { collectShared, sharedJson, sharedText } from '../../remotes/collect-shared.ts';
import { defineCommand, jsonOption, type Command } from '../../host/command.ts';
import type { SweepingLeases } from '../../host/pieces.ts';
import { exitCodes } from '../../base/exit-codes.ts';
import { projectOf } from '../../context/find-volume.ts';
import { formatBytes, formatTable, formatTime, plural } from '../../base/format.ts';
import type { Host } from '../../host/host.ts';
import { isoTime, printJson, shortId } from '../../host/print.ts';
import { garbageOptions } from '../../config/garbage-options.ts';
import { withProgress } from '../../reporters/command-progress.ts';
import { keepReserve } from '../../home/reserve.ts';
import { homeOf, openSparingStore } from '../../home/store.ts';

export const gc: Command = defineCommand({
  name: 'gc',
  summary: 'delete expired volumes and unreferenced layers',
  examples: ['cachelane gc --dry-run', 'cachelane gc'],
  details: [
    'Evicts heads and earlier states that were unused for the lifetime of their lane. If a size limit is exceeded or the disk is nearly full, it also evicts the least trusted and least recently used lanes. cachelane ns policy shows the limits. Default, protected and release lanes used in the last week stay, and so does everything that a run has open.',
    'In a volume over its volume-budget, it deletes single files: first those that no recent run used, then the least recently used. Files of the last two runs stay. cachelane log shows this as a separate generation; --dry-run --json lists the paths.',
    'Then it deletes unreferenced layers, derived layers unused for a week, kept directories unused for two weeks, partial downloads a day old, registry images unused for 30 days or made by an earlier boot, and the leftovers of killed runs. Nothing younger than ten minutes is deleted.',
    'Usually it examines only layers that became unreferenced since the last collection. It examines every layer on the disk once a day, when a size limit is exceeded, and with --all.',
    'Runs that save something start a collection in the background, at most once an hour.',
    '--remote collects in the configured remote instead: heads unused for their lifetime, and objects without a head for a day. Runs that push in the background start this once a day; in CI, use a scheduled job. It is refused where a run may not save.',
  ],
  options: {
    'dry-run': { help: 'show what would be deleted and why, and delete nothing' },
    trust: {
      value: 'LEVEL',
      choices: trustLevels,
      help: 'to free space, evict only lanes of this level and below',
    },
    all: { help: 'examine every layer on the disk, to find what a crash left behind' },
    remote: { help: 'collect in the remote instead: unused heads, and objects without a head' },
    quiet: { short: 'q', help: 'print problems only' },
    ...jsonOption,
  },
  operands: [],
  async run({ options }, host) {
    if (options.remote) {
      if (!options['dry-run'] && host.env[backgroundVariable] === undefined) {
        requireWritable((await projectOf(host, { directory: undefined, namespace: undefined })).context);
      }
      const garbage = await withProgress(
        host,
        options,
        async ({ update: onProgress }) => await collectShared(host, { dryRun: options['dry-run'], onProgress }),
      );
      if (options.json) printJson(host, sharedJson(garbage, options['dry-run']));
      else if (!options.quiet) host.stdout.write(sharedText(garbage, options['dry-run']));
      return exitCodes.ok;
    }
    const { signal } = new AbortController();
    const homeDir = homeOf(host);
    await using store = await openSparingStore(host, signal, homeDir);
    const tools = await host.pieces.loadTools();
    const runtime = await host.pieces.openRuntime();
    const report = await withProgress(host, options, async ({ events, update: onProgress }) => {
      const deps = { ...store, tools, runtime, events, homeDir };
      const wanted = { ...(await garbageOptions(host, options.trust)), all: options.all, onProgress };
      if (!options['dry-run']) return await collectAlone(host, deps, wanted, signal);
      return { ...(await findGarbage(deps, wanted, signal)), images: await sweepImages(host, deps, { dryRun: true }) };
    });
    if (report === null) return exitCodes.ok;
    if (options.json) printJson(host, toJson(report, options['dry-run']));
    else if (!options.quiet) host.stdout.write(text(report, options['dry-run']));
    return 0;
  },
});

type CollectDependencies = Parameters<typeof collectGarbage>[0] & {
  readonly leases: SweepingLeases;
  readonly homeDir: string;
};

/** Returns null if this is a background collection and another one is about to begin. */
async function collectAlone(
  host: Host,
  deps: CollectDependencies,
  wanted: GarbageOptions,
  signal: AbortSignal,
): Promise<Collected | null> {
  const begin = host.env[backgroundVariable] === undefined ? alone : aloneOrNext;
  await using lease = await begin(host, deps.leases, 'gc', signal);
  if (lease === null) return null;
  const report = await collectGarbage(deps, wanted, signal);
  keepReserve(deps.homeDir);
  // Sessions that died before they were recorded left only a lease.
  await deps.leases.sweep(deps.clock.nowMs(), signal);
  return { ...report, images: await sweepImages(host, deps, { dryRun: false }) };
}

interface Collected extends GarbageReport {
  /** Names of deleted registry images, in the home. */
  readonly images: readonly string[];
}

async function sweepImages(
  { pieces }: Host,
  { homeDir: storeDir, bootId, clock }: Pick<CollectDependencies, 'homeDir' | 'bootId' | 'clock'>,
  { dryRun }: { readonly dryRun: boolean },
): Promise<readonly string[]> {
  return await pieces.sweepProvidedImages({ storeDir, bootId, clock, dryRun });
}

function evictedParts(evictions: readonly PlannedEviction[]): readonly string[] {
  const heads = evictions.filter(({ kind }) => kind === 'head').length;
  const states = evictions.reduce((sum, planned) => sum + (planned.kind === 'history' ? planned.states : 0), 0);
  return [...(heads > 0 ? [plural(heads, 'head')] : []), ...(states > 0 ? [plural(states, 'earlier state')] : [])];
}

function bytesOf(layers: GarbageReport['layers']): number {
  return layers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

function toJson(report: Collected, dryRun: boolean): unknown {
  return {
    dryRun,
    freedBytes: bytesOf(report.layers),
    evictions: report.evictions.map(evictedJson),
    growth: report.growth.map(growthJson),
    unmet: report.unmet,
    layers: report.layers.map(({ id, sizeBytes, sealedAtMs }) => ({ layer: id, sizeBytes, at: isoTime(sealedAtMs) })),
    young: { layers: report.young.length, bytes: bytesOf(report.young) },
    derived: report.derived,
    kept: report.kept.map(({ dir, volume, lane }) => ({ dir, volume, lane })),
    deadSessions: report.deadSessions,
    swept: report.swept,
    images: report.images,
  };
}

function evictedJson(planned: PlannedEviction): unknown {
  const { kind, policy, why, frees, held } = planned;
  const { volume, head } = held;
  const what = { volume: volume.name, compat: volume.compat, lane: head.lane, usedAt: isoTime(head.usedAtMs) };
  const states = planned.kind === 'history' ? { states: planned.states } : {};
  return { kind, namespace: held.namespace.paths[0], ...what, ...states, policy, why, frees };
}

function growthJson({ held, plan }: PlannedGrowth): unknown {
  const { volume, head, namespace } = held;
  const { budget, bytes, paths, goingBytes, unusedBytes, why } = plan;
  return {
    namespace: namespace.paths[0],
    volume: volume.name,
    compat: volume.compat,
    lane: head.lane,
    policy: 'volume-budget',
    budgetBytes: budget.value,
    source: budget.source,
    holdsBytes: bytes,
    files: paths.size,
    frees: goingBytes,
    unusedBytes,
    paths: Array.from(paths, displayPath),
    stays: why,
  };
}

function growthRow({ held, plan }: PlannedGrowth): readonly string[] {
  const { head, volume, namespace } = held;
  const of = `${formatBytes(plan.unusedBytes)} of it not used by recent runs`;
  return [
    `${namespace.paths[0]}:${volume.name}`,
    head.lane,
    plural(plan.paths.size, 'file'),
    formatTime(head.usedAtMs),
    formatBytes(plan.goingBytes),
    `volume-budget: ${overBudget(plan)}, ${of}`,
  ];
}

function evictionTable({ evictions, growth }: Pick<GarbageReport, 'evictions' | 'growth'>): string {
  const shrinking = growth.filter(({ plan }) => plan.paths.size > 0);
  if (evictions.length + shrinking.length === 0) return '';
  const rows = evictions.map((planned) => {
    const { held, policy, why, frees } = planned;
    const { head, volume, namespace } = held;
    const what = planned.kind === 'head' ? 'all' : plural(planned.states, 'earlier state');
    const place = `${namespace.paths[0]}:${volume.name}`;
    return [place, head.lane, what, formatTime(head.usedAtMs), formatBytes(frees), `${policy}: ${why}`];
  });
  return `${formatTable(
    [
      { title: 'VOLUME' },
      { title: 'LANE' },
      { title: 'EVICTED' },
      { title: 'USED' },
      { title: 'FREES', align: 'right' },
      { title: 'WHY' },
    ],
    [...rows, ...shrinking.map(growthRow)],
  )}\n`;
}

function unmetText(unmet: GarbageReport['unmet']): string {
  return unmet
    .map(({ policy, why, overBytes }) => `${policy} is exceeded by ${formatBytes(overBytes)}: ${why}\n`)
    .join('');
}

function text(report: Collected, dryRun: boolean): string {
  return `${evictionTable(report)}${removedText(report, dryRun)}${unmetText(report.unmet)}`;
}

function removedText(report: Collected, dryRun: boolean): string {
  const { evictions, growth, layers, young, derived, kept, deadSessions, swept, images } = report;
  const gone = {
    files: growth.reduce((sum, { plan }) => sum + plan.paths.size, 0),
    bytes: growth.reduce((sum, { plan }) => sum + plan.goingBytes, 0),
    // Notes of tags lie beside the images.
    images: images.filter((name) => !name.startsWith('images/tag-')).length,
  };
  const parts = [
    ...evictedParts(evictions),
    ...(gone.files > 0 ? [`${plural(gone.files, 'file')} (${formatBytes(gone.bytes)}) beyond budgets`] : []),
    ...(layers.length > 0 ? [`${plural(layers.length, 'layer')} (${formatBytes(bytesOf(layers))})`] : []),
    ...(derived.length > 0 ? [plural(derived.length, 'derived layer')] : []),
    ...(kept.length > 0 ? [plural(kept.length, 'kept directory', 'kept directories')] : []),
    ...(deadSessions.length > 0 ? [`what ${plural(deadSessions.length, 'killed run')} left behind`] : []),
    ...(swept.length > 0 ? [plural(swept.length, 'unfinished file')] : []),
    ...(gone.images > 0 ? [plural(gone.images, 'image of a registry', 'images of registries')] : []),
  ];
  const later =
    young.length === 0
      ? ''
      : `kept ${plural(young.length, 'unreferenced layer')} (${formatBytes(bytesOf(young))}) younger than ten minutes\n`;
  if (parts.length === 0) return later === '' ? 'nothing to remove\n' : `nothing to remove yet; ${later}`;
  const table = formatTable(
    [{ title: 'LAYER' }, { title: 'SEALED' }, { title: 'SIZE', align: 'right' }],
    layers.map(({ id, sealedAtMs, sizeBytes }) => [shortId(id), formatTime(sealedAtMs), formatBytes(sizeBytes)]),
  );
  const summary = `${dryRun ? 'would remove' : 'removed'} ${parts.join(', ')}\n${later}`;
  return layers.length === 0 ? summary : `${table}\n${summary}`;
}

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
    'Evicts heads that were not used for as long as their lane lives, earlier states of heads, and, where a size or the free space of the disk is not as it should be, the least trusted and least recently used lanes until it is (cachelane ns policy shows what holds). Default, protected and release lanes that were used in the last week stay, whatever else is said, and so does whatever a run has open. A run that starts cold because of that says so, and so does cachelane explain.',
    'Of a volume that holds more than its volume-budget on a lane, files go by themselves: first what no recent run was seen to use, the oldest first, then the least recently used. What the last two runs added, and what the last run that was looked at used, stays. cachelane log names it as a move of its own; --dry-run --json lists the paths.',
    'Removes layers that no head, no history and no running command refers to then, derived layers that were not used for a week, directories that were kept for runs and not used for two weeks, downloads that nobody went on with for a day, images of registries that no run used for 30 days or that an earlier boot made, and what killed runs left behind. Whatever is younger than ten minutes stays, since a run may be about to refer to it; how much of that nothing refers to is said.',
    'It looks at what may have to go by now, and at what came loose since the last one; at every layer on the disk once a day, where some size is beyond its limit, and with --all.',
    'Runs that save something leave one behind by themselves, once an hour.',
    '--remote does the same in the remote that is set (CACHELANE_REMOTE, or your own file): it takes heads out that no machine used for as long as their lane lives, by the defaults or longer, and objects that no head has named for a day. Runs that push in the background leave that behind once a day; elsewhere let a job do it. Not where a run may save nothing.',
  ],
  options: {
    'dry-run': { help: 'say what would be removed, in order and why, and remove nothing' },
    trust: {
      value: 'LEVEL',
      choices: trustLevels,
      help: 'for want of room, take only lanes of this level and below',
    },
    all: { help: 'look at every layer on the disk, for what a crash left and nothing knows of; else once a day' },
    remote: { help: 'in the remote instead: idle heads, and objects that no head names' },
    quiet: { short: 'q', help: 'report what went wrong only' },
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

/** Null where another one is about to begin anyway, and nobody waits for this one. */
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
  // Leases of sessions that died before anybody recorded them.
  await deps.leases.sweep(deps.clock.nowMs(), signal);
  return { ...report, images: await sweepImages(host, deps, { dryRun: false }) };
}

interface Collected extends GarbageReport {
  /** Of registries, in the home; names. */
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
    .map(
      ({ policy, why, overBytes }) =>
        `${policy} is not kept: ${why}, by ${formatBytes(overBytes)}, and what is left stays\n`,
    )
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
    // Of what a tag stood for there are notes beside.
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
      : `${plural(young.length, 'layer')} (${formatBytes(bytesOf(young))}) that nothing refers to ${young.length === 1 ? 'is' : 'are'} younger than ten minutes and ${young.length === 1 ? 'stays' : 'stay'} until then\n`;
  if (parts.length === 0)
    return later === '' ? 'There is nothing to remove.\n' : `There is nothing to remove yet: ${later}`;
  const table = formatTable(
    [{ title: 'LAYER' }, { title: 'SEALED' }, { title: 'SIZE', align: 'right' }],
    layers.map(({ id, sealedAtMs, sizeBytes }) => [shortId(id), formatTime(sealedAtMs), formatBytes(sizeBytes)]),
  );
  const summary = `${dryRun ? 'would remove' : 'removed'} ${parts.join(', ')}\n${later}`;
  return layers.length === 0 ? summary : `${table}\n${summary}`;
}

import type { EngineEvent } from '@cachelane/core';
import { collectGarbage, findGarbage, type GarbageReport } from '@cachelane/engine';
import { defineCommand, jsonOption, type Command } from '../command.ts';
import { formatBytes, formatTable, formatTime, plural } from '../format.ts';
import { isoTime, printJson, shortId } from '../print.ts';
import { openStore } from '../store.ts';

export const gc: Command = defineCommand({
  name: 'gc',
  summary: 'free the space of layers that nothing refers to',
  details: [
    'Removes layers that no head, no history and no running command refers to, derived layers that were not used for a week, directories that were kept for runs and not used for two weeks, and what killed runs left behind. Whatever is younger than ten minutes stays, since a run may be about to refer to it; how much of that nothing refers to is said.',
  ],
  options: { 'dry-run': { help: 'say what would be removed, and remove nothing' }, ...jsonOption },
  operands: [],
  async run({ options }, host) {
    const { signal } = new AbortController();
    await using store = await openStore(host, signal);
    const events = (event: EngineEvent): void => {
      if (event.type === 'warning') host.stderr.write(`cachelane: warning: ${event.message}\n`);
    };
    const deps = { ...store, runtime: await host.pieces.openRuntime(), events };
    const report = options['dry-run'] ? await findGarbage(deps, signal) : await collectGarbage(deps, signal);
    // Leases of sessions that died before anybody recorded them.
    if (!options['dry-run']) await store.leases.sweep(store.clock.nowMs(), signal);
    if (options.json) printJson(host, toJson(report, options['dry-run']));
    else host.stdout.write(text(report, options['dry-run']));
    return 0;
  },
});

function bytesOf(layers: GarbageReport['layers']): number {
  return layers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

function toJson(report: GarbageReport, dryRun: boolean): unknown {
  return {
    dryRun,
    freedBytes: bytesOf(report.layers),
    layers: report.layers.map(({ id, sizeBytes, sealedAtMs }) => ({ layer: id, sizeBytes, at: isoTime(sealedAtMs) })),
    young: { layers: report.young.length, bytes: bytesOf(report.young) },
    derived: report.derived,
    kept: report.kept.map(({ dir, volume, lane }) => ({ dir, volume, lane })),
    deadSessions: report.deadSessions,
    swept: report.swept,
  };
}

function text(report: GarbageReport, dryRun: boolean): string {
  const { layers, young, derived, kept, deadSessions, swept } = report;
  const parts = [
    ...(layers.length > 0 ? [`${plural(layers.length, 'layer')} (${formatBytes(bytesOf(layers))})`] : []),
    ...(derived.length > 0 ? [plural(derived.length, 'derived layer')] : []),
    ...(kept.length > 0 ? [plural(kept.length, 'kept directory', 'kept directories')] : []),
    ...(deadSessions.length > 0 ? [`what ${plural(deadSessions.length, 'killed run')} left behind`] : []),
    ...(swept.length > 0 ? [plural(swept.length, 'unfinished file')] : []),
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

import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { CachelaneError, limits, parseNamespace, type EngineEvent, type VolumeReport } from '@cachelane/core';
import { importLayers, requireWritable, runCommand, type Imported } from '@cachelane/engine';
import { defineCommand, jsonOption, projectOptions, type Command } from '../command.ts';
import { formatBytes, plural } from '../format.ts';
import type { Host } from '../host.ts';
import { oneVolume } from '../one-volume.ts';
import { printJson, shortId } from '../print.ts';
import { openProject, toolEnvironmentOf, type OpenProject } from '../project.ts';
import { watchSignals } from '../run/signals.ts';
import type { CommandPhase } from '../run/run-state.ts';
import { seedInto } from '../seed.ts';
import { homeOf, openStore, type Store } from '../store.ts';
import { whereToRun, type WhereToRun } from '../working-directory.ts';

export const importVolume: Command = defineCommand({
  name: 'import',
  summary: 'take in what cachelane export wrote, or a directory or archive as a seed',
  details: [
    'The layers of an export are put on top of the lane that a run here would write; those that it has already stay where they are, and who made what stays known. Nothing is believed of what the file says: a layer that is damaged, or leads out of the volume, is refused with the reason.',
    'A directory, or an archive that tar reads, is taken in as if a run had written it: what the tool never stores stays out, and the rest is merged. Where the archive holds the place of the cache (home/ann/.npm/_cacache/…), what lies there is taken; names that lead up (../../.npm) are refused.',
  ],
  options: { ...projectOptions, ...jsonOption },
  operands: [
    { name: 'VOLUME', help: 'as after run -v: NAME, NAME:PATH, NAMESPACE:NAME' },
    { name: 'FILE', help: 'an export, a directory, or an archive' },
  ],
  async run({ options, operands }, host) {
    const { namespace } = options;
    const where = whereToRun(host, options.directory);
    const project = await openProject(host, {
      where,
      namespace: namespace === undefined ? undefined : parseNamespace(namespace, '--namespace'),
    });
    requireWritable(project.context);
    const file = resolve(where.dir, operands.FILE);
    const stat = statSync(file, { throwIfNoEntry: false });
    if (stat === undefined) throw new CachelaneError('E_NOT_FOUND', `there is nothing at ${file}`);
    const phase: CommandPhase = { state: 'not-started' };
    using watch = watchSignals(host.signals, phase);
    await using store = await openStore(host, watch.abort);
    const work = { host, project, where, store, volume: operands.VOLUME, file, signal: watch.abort };
    const files = await host.pieces.openExportFiles();
    if (stat.isFile() && files.isExport(file)) {
      const imported = await importExport(work);
      if (options.json) printJson(host, exportJson(file, imported));
      else host.stdout.write(exportText(file, imported));
    } else {
      const report = await importSeed(work);
      if (options.json) printJson(host, { file, kind: 'seed', volume: report });
      else host.stdout.write(seedText(file, report));
    }
    return 0;
  },
});

interface Work {
  readonly host: Host;
  readonly project: OpenProject;
  readonly where: WhereToRun;
  readonly store: Store;
  readonly volume: string;
  readonly file: string;
  readonly signal: AbortSignal;
}

async function importExport({ host, project, store, volume, file, signal }: Work): Promise<Imported> {
  const { planned, tools } = await oneVolume(host, project, volume);
  const files = await host.pieces.openExportFiles();
  const deps = { ...store, tools, runtime: await host.pieces.openRuntime(), events: teller(host) };
  return await importLayers(
    deps,
    {
      context: project.context,
      volume: planned.request,
      environment: toolEnvironmentOf(host, project),
      directory: project.directory,
      revision: project.revision,
      workflow: project.workflow,
      lockWaitMs: limits.lockWaitMs,
      signal,
      onProgress: progressOf(host),
    },
    files.read(file),
  );
}

/** A run whose command is ours: it fills a directory of the volume's own, which starts empty. */
async function importSeed({ host, project, where, store, volume, file, signal }: Work): Promise<VolumeReport> {
  const { planned, tools } = await oneVolume(host, project, volume);
  const real = await host.pieces.openRuntime();
  const { report } = await runCommand(
    {
      ...store,
      tools,
      runtime: {
        name: 'import',
        survivors: async (place) => await real.survivors(place),
        endSurvivors: async (place, graceMs) => await real.endSurvivors(place, graceMs),
        async run({ mounts: [mount] }) {
          if (mount?.kind !== 'directory') throw new CachelaneError('E_INTERNAL', 'a seed needs a directory');
          await seedInto(mount.path, { from: file, target: planned.target, homeDir: homeOf(host), signal });
          return { kind: 'exited', exitCode: 0, interrupted: false, receivedSignal: null };
        },
      },
      events: teller(host),
    },
    {
      context: project.context,
      volumes: [{ ...planned.request, commit: 'always' }],
      directory: project.directory,
      environment: toolEnvironmentOf(host, project),
      argv: [],
      cwd: where.dir,
      env: {},
      mode: 'write-only',
      mounter: 'clone',
      purpose: 'run',
      lockWaitMs: limits.lockWaitMs,
      leaveProcesses: false,
      strict: true,
      revision: project.revision,
      workflow: project.workflow,
      signal,
    },
  );
  const [only] = report.volumes;
  if (only === undefined) throw new CachelaneError('E_INTERNAL', 'an import of one volume has no report');
  if (only.skipped !== null) throw new CachelaneError('E_COMMAND', `nothing was imported: ${only.skipped}`);
  return only;
}

function teller(host: Host): (event: EngineEvent) => void {
  return (event) => {
    if (event.type === 'warning') host.stderr.write(`cachelane: warning: ${event.message}\n`);
    else if (event.type === 'waiting') host.stderr.write(`cachelane: ${event.message}\n`);
  };
}

function progressOf({ clock, stderr }: Host): (done: number, total: number) => void {
  let saidAtMs = clock.monotonicMs();
  return (done, total) => {
    if (clock.monotonicMs() - saidAtMs < 2000) return;
    saidAtMs = clock.monotonicMs();
    stderr.write(`cachelane: ${done} of ${plural(total, 'layer')} taken in\n`);
  };
}

function exportJson(file: string, { manifest, taken, had, head }: Imported): unknown {
  const { namespace, volume, lane, generation } = manifest;
  return {
    file,
    kind: 'export',
    from: { namespace, volume, lane, generation },
    taken: taken.map(({ id, files, counts }) => ({ layer: id, files, sizeBytes: counts.sizeBytes })),
    had,
    generation: head?.generation ?? null,
  };
}

function exportText(file: string, { volume, manifest, taken, had, head }: Imported): string {
  const there = had === 0 ? '' : `; ${plural(had, 'layer')} ${had === 1 ? 'was' : 'were'} there already`;
  if (taken.length === 0) return `nothing new in ${file}${there}\n`;
  const bytes = taken.reduce((sum, { counts }) => sum + counts.sizeBytes, 0);
  const from = `${manifest.namespace}:${manifest.volume} ${manifest.lane}`;
  return `imported ${plural(taken.length, 'layer')} (${formatBytes(bytes)}) of ${from} into ${volume.name}, generation ${head?.generation ?? 0}${there}\n`;
}

function seedText(file: string, { name, added, changed, savedBytes, layer }: VolumeReport): string {
  if (layer === null) return `nothing new in ${file}\n`;
  const what = changed === 0 ? `${added} added` : `${added} added, ${changed} changed`;
  return `imported ${file} into ${name}: ${what}, ${formatBytes(savedBytes)}, as layer ${shortId(layer)}\n`;
}

import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { CachelaneError, limits, parseNamespace, type EngineEvent, type VolumeReport } from '@cachelane/core';
import { importLayers, requireWritable, runCommand, type Imported } from '@cachelane/engine';
import { defineCommand, jsonOption, projectOptions, type Command } from '../../host/command.ts';
import { formatBytes, plural } from '../../base/format.ts';
import type { Host } from '../../host/host.ts';
import { oneVolume } from '../../volumes/one-volume.ts';
import { printJson, shortId } from '../../host/print.ts';
import { layerProgress } from '../../host/progress-line.ts';
import { openProject, toolEnvironmentOf, type OpenProject } from '../../context/project.ts';
import { watchSignals } from '../../run/signals.ts';
import type { CommandPhase } from '../../run/command-phase.ts';
import { shownRoot } from '../../seed/choose-root.ts';
import { parseRoot, seedInto, type Seeded } from '../../seed/seed-into.ts';
import { openStore, type Store } from '../../home/store.ts';
import { settledParentsHere } from '../../context/settled-parents.ts';
import { whereToRun, type WhereToRun } from '../../host/working-directory.ts';
import { warn } from '../../host/warn.ts';

export const importVolume: Command = defineCommand({
  name: 'import',
  summary: 'read an export, a directory or an archive into a volume',
  examples: ['cachelane import npm npm.cachelane', 'cachelane import data:cache seed.tar.gz'],
  details: [
    'The layers of an export are put on top of the lane that a run here would write; those that it has already stay where they are, and who made what stays known. Nothing is believed of what the file says: a layer that is damaged, or leads out of the volume, is refused with the reason. Work of runs that are revoked here is left out.',
    'A directory, or a tar archive (plain, gzip or zstd), is taken in as if a run had written it: what the tool never stores stays out, and the rest is merged.',
    'An archive may hold the cache below any name, as those of actions/cache do (../../../.npm/_cacache/…, /home/ann/.npm/_cacache/…): taken is the directory with the names that the tool gives, else the one that is called as the volume is here, else the one that was packed. Where several may be meant, they are named, and --from chooses. Names are only compared: nothing is written anywhere but in the volume, and symlinks that lead out of it are left out.',
  ],
  options: {
    ...projectOptions,
    from: {
      value: 'DIRECTORY',
      help: 'the directory of the archive that is imported, as tar -t shows it; . is all of it',
    },
    ...jsonOption,
  },
  operands: [
    { name: 'VOLUME', help: 'as after run -v: NAME, NAME:PATH, NAMESPACE:NAME' },
    { name: 'FILE', help: 'an export, a directory, or a tar archive' },
  ],
  async run({ options, operands }, host) {
    const { namespace } = options;
    const where = whereToRun(host, options.directory);
    const opened = await openProject(host, {
      where,
      namespace: namespace === undefined ? undefined : parseNamespace(namespace, '--namespace'),
    });
    const project = await settledParentsHere(host, opened);
    requireWritable(project.context);
    const file = resolve(where.dir, operands.FILE);
    const stat = statSync(file, { throwIfNoEntry: false });
    if (stat === undefined) throw new CachelaneError('E_NOT_FOUND', `there is nothing at ${file}`);
    if (!stat.isFile() && !stat.isDirectory()) {
      throw new CachelaneError('E_USAGE', `${file} is neither a file nor a directory`, {
        hint: 'an archive is read twice, so it has to lie somewhere',
      });
    }
    const from = options.from === undefined ? null : parseRoot(options.from);
    const phase: CommandPhase = { state: 'not-started' };
    using watch = watchSignals(host.signals, phase);
    await using store = await openStore(host, watch.abort);
    const work = { host, project, where, store, volume: operands.VOLUME, file, signal: watch.abort };
    const files = await host.pieces.openExportFiles();
    if (stat.isFile() && files.isExport(file)) {
      if (from !== null)
        throw new CachelaneError('E_USAGE', '--from is for archives, and this is an export', { hint: 'leave it out' });
      const imported = await importExport(work);
      if (options.json) printJson(host, exportJson(file, imported));
      else host.stdout.write(exportText(file, imported));
    } else {
      const { report, seeded } = await importSeed(work, from);
      if (options.json) printJson(host, { file, kind: 'seed', ...seedJson(seeded), volume: report });
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
  const { planned, tools } = await oneVolume(host, project, { text: volume });
  const files = await host.pieces.openExportFiles();
  const deps = { ...store, remote: null, tools, runtime: await host.pieces.openRuntime(), events: teller(host) };
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
      onProgress: layerProgress(host, 'taken in'),
    },
    files.read(file),
  );
}

/** A run whose command is ours: it fills a directory of the volume's own, which starts empty. */
async function importSeed(
  { host, project, where, store, volume, file, signal }: Work,
  from: string | null,
): Promise<{ readonly report: VolumeReport; readonly seeded: Seeded }> {
  const { planned, tools } = await oneVolume(host, project, { text: volume });
  const { tool, target } = planned;
  const files = await host.pieces.openImportFiles();
  const real = await host.pieces.openRuntime();
  let seeded: Seeded = { root: null, elsewhere: 0, linksLeftOut: 0 };
  const { report } = await runCommand(
    {
      ...store,
      remote: null,
      tools,
      runtime: {
        name: 'import',
        survivors: async (place) => await real.survivors(place),
        endSurvivors: async (place, graceMs) => await real.endSurvivors(place, graceMs),
        async run({ mounts: [mount] }) {
          if (mount?.kind !== 'directory') throw new CachelaneError('E_INTERNAL', 'a seed needs a directory');
          seeded = await seedInto(mount.path, { files, file, from, tool, target, signal });
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
      push: 'wait',
      remoteWaitMs: limits.remoteWaitMs,
      strict: true,
      revision: project.revision,
      workflow: project.workflow,
      signal,
    },
  );
  const [only] = report.volumes;
  if (only === undefined) throw new CachelaneError('E_INTERNAL', 'an import of one volume has no report');
  if (only.skipped !== null) throw new CachelaneError('E_COMMAND', `nothing was imported: ${only.skipped}`);
  tellOf(host, seeded);
  return { report: only, seeded };
}

function tellOf(host: Host, { root, elsewhere, linksLeftOut }: Seeded): void {
  if (root !== null && root !== '') host.stderr.write(`cachelane: taken from ${shownRoot(root)} in the archive\n`);
  if (elsewhere > 0) {
    warn(host, `${plural(elsewhere, 'entry', 'entries')} of the archive left out, which lie elsewhere in it`);
  }
  if (linksLeftOut > 0) {
    warn(host, `${plural(linksLeftOut, 'symlink')} left out, which lead out of the volume`);
  }
}

function teller(host: Host): (event: EngineEvent) => void {
  return (event) => {
    if (event.type === 'warning') warn(host, event.message);
    else if (event.type === 'waiting') host.stderr.write(`cachelane: ${event.message}\n`);
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

function seedJson({ root, elsewhere, linksLeftOut }: Seeded): object {
  return { from: root === null ? null : shownRoot(root), elsewhere, linksLeftOut };
}

function seedText(file: string, { name, added, changed, savedBytes, layer }: VolumeReport): string {
  if (layer === null) return `nothing new in ${file}\n`;
  const what = changed === 0 ? `${added} added` : `${added} added, ${changed} changed`;
  return `imported ${file} into ${name}: ${what}, ${formatBytes(savedBytes)}, as layer ${shortId(layer)}\n`;
}

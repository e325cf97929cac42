import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  CachelaneError,
  limits,
  parseNamespace,
  parseVolumeName,
  unknownToolName,
  type Namespace,
  type VolumeReport,
} from '@cachelane/core';
import {
  importLayers,
  readExportManifest,
  requireWritable,
  runCommand,
  type Imported,
  type PlannedVolume,
} from '@cachelane/engine';
import { defineCommand, jsonOption, projectOptions, type Command } from '../../host/command.ts';
import { formatBytes, plural } from '../../base/format.ts';
import type { Host } from '../../host/host.ts';
import { oneVolume } from '../../volumes/one-volume.ts';
import { toolInFile } from '../../volumes/tool-in-file.ts';
import { anyPath } from '../../volumes/volumes.ts';
import { printJson, shortId } from '../../host/print.ts';
import { withProgress, type CommandProgress } from '../../reporters/command-progress.ts';
import { countInto } from '../../reporters/progress.ts';
import { countBytes } from '../../base/count-bytes.ts';
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
  examples: [
    'cachelane import npm.cachelane',
    'cachelane import npm.cachelane --as npm-old',
    'cachelane import seed.tar.gz --as data:cache',
  ],
  details: [
    'An export keeps its layers and their history. Layers that the lane lacks go on top; others stay where they are. Every layer is verified. A damaged layer, or one whose paths lead out of the volume, is refused. Work of revoked runs is left out.',
    'A directory or a tar archive (plain, gzip or zstd) is imported as if a run had written it: files that the tool never stores are left out, and the rest is merged.',
    "An archive may hold the cache under any path, as those of actions/cache do (../../../.npm/_cacache). The import takes the directory that looks like the tool's cache, else the one named like the volume's directory here, else the one that was packed. If several fit, the error lists them and --from chooses one.",
  ],
  options: {
    ...projectOptions,
    as: {
      value: 'VOLUME',
      help: 'the volume, as after run -v: NAME, NAME:PATH or NAMESPACE:NAME; an export has a name of its own',
    },
    from: {
      value: 'DIRECTORY',
      help: 'the directory of the archive to import, as tar -t prints it; . means all of it',
    },
    ...jsonOption,
  },
  operands: [{ name: 'FILE', help: 'an export, a directory, or a tar archive' }],
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
    if (stat === undefined)
      throw new CachelaneError('E_NOT_FOUND', `${file} does not exist`, {
        hint: 'name an export, a directory or an archive',
      });
    if (!stat.isFile() && !stat.isDirectory()) {
      throw new CachelaneError('E_USAGE', `${file} is neither a file nor a directory`, {
        hint: 'an archive is read twice: write it to a file first',
      });
    }
    if (stat.isFile() && stat.size === 0) {
      throw new CachelaneError('E_USAGE', `${file} is empty`, { hint: 'copy the file again, or name another' });
    }
    const from = options.from === undefined ? null : parseRoot(options.from);
    const phase: CommandPhase = { state: 'not-started' };
    using watch = watchSignals(host.signals, phase);
    await using store = await openStore(host, watch.abort);
    const files = await host.pieces.openExportFiles();
    const isExport = stat.isFile() && files.isExport(file);
    if (isExport && from !== null) {
      throw new CachelaneError('E_USAGE', `${file} is an export, and --from is for archives`, { hint: 'omit --from' });
    }
    const work = { host, project, where, store, file, signal: watch.abort };
    if (isExport) {
      const imported = await importExport(work, options);
      if (options.json) printJson(host, exportJson(file, imported));
      else host.stdout.write(exportText(file, imported, project.context.namespace));
    } else {
      if (options.as === undefined) {
        const what = stat.isFile() ? ' is not an export and' : '';
        throw new CachelaneError('E_USAGE', `${file}${what} does not say which volume it belongs to`, {
          hint: 'name one: --as npm, or --as NAME:PATH',
        });
      }
      const { report, seeded } = await importSeed(work, { ...options, volume: options.as, from });
      if (options.json) printJson(host, { file, kind: 'seed', ...seedJson(seeded), volume: report });
      else host.stdout.write(seedText(file, report, project.context.namespace));
    }
    return 0;
  },
});

interface Work {
  readonly host: Host;
  readonly project: OpenProject;
  readonly where: WhereToRun;
  readonly store: Store;
  readonly file: string;
  readonly signal: AbortSignal;
}

/** Imports under `as`, else under the export's own name. */
async function importExport(
  { host, project, store, file, signal }: Work,
  { as, json }: { readonly as: string | undefined; readonly json: boolean },
): Promise<ImportedInto> {
  const files = await host.pieces.openExportFiles();
  const manifest = await readExportManifest(files.read(file));
  const text = as ?? parseVolumeName(manifest.volume);
  const { planned, tools } = await oneVolume(host, project, { text, tool: manifest.tool });
  const runtime = await host.pieces.openRuntime();
  const imported = await withProgress(host, { json }, async ({ events, update }) => {
    const parts = countBytes(files.read(file), countInto(update, 'importing', statSync(file).size));
    return await importLayers(
      { ...store, remote: null, tools, runtime, events },
      {
        context: project.context,
        volume: planned.request,
        environment: toolEnvironmentOf(host, project),
        directory: project.directory,
        revision: project.revision,
        workflow: project.workflow,
        lockWaitMs: limits.lockWaitMs,
        signal,
      },
      parts,
    );
  });
  return { ...imported, planned };
}

interface ImportedInto extends Imported {
  readonly planned: PlannedVolume;
}

interface SeedWish {
  readonly volume: string;
  readonly from: string | null;
  readonly json: boolean;
}

interface SeedImported {
  readonly report: VolumeReport;
  readonly seeded: Seeded;
}

async function importSeed(work: Work, wish: SeedWish): Promise<SeedImported> {
  const imported = await withProgress(
    work.host,
    wish,
    async (progress) => await runSeed(work, { ...wish, ...progress }),
  );
  tellOf(work.host, imported.seeded);
  return imported;
}

/** Runs the import as the command of a run: it fills an empty directory, which is then saved. */
async function runSeed(
  { host, project, where, store, file, signal }: Work,
  { volume, from, events, update }: SeedWish & CommandProgress,
): Promise<SeedImported> {
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
          seeded = await seedInto(mount.path, { files, file, from, tool, target, onProgress: update, signal });
          return { kind: 'exited', exitCode: 0, interrupted: false, receivedSignal: null };
        },
      },
      events,
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
  return { report: only, seeded };
}

function tellOf(host: Host, { root, elsewhere, linksLeftOut }: Seeded): void {
  if (root !== null && root !== '') host.stderr.write(`cachelane: taken from ${shownRoot(root)} in the archive\n`);
  if (elsewhere > 0) {
    warn(host, `not imported: ${plural(elsewhere, 'entry', 'entries')} of the archive outside that directory`);
  }
  if (linksLeftOut > 0) {
    warn(host, `not imported: ${plural(linksLeftOut, 'symlink')} out of the volume`);
  }
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

function exportText(
  file: string,
  { planned, volume, manifest, taken, had, head }: ImportedInto,
  project: Namespace,
): string {
  const there = had === 0 ? '' : `; ${plural(had, 'layer')} ${had === 1 ? 'was' : 'were'} there already`;
  if (taken.length === 0) return `nothing new in ${file}${there}\n`;
  const bytes = taken.reduce((sum, { counts }) => sum + counts.sizeBytes, 0);
  const from = `${manifest.namespace}:${manifest.volume} ${manifest.lane}`;
  const into = volumeText(planned.own.namespace, volume.name, project);
  const use = useText(planned, project);
  return `imported ${plural(taken.length, 'layer')} (${formatBytes(bytes)}) of ${from} into ${into}, generation ${head?.generation ?? 0}${there}\n${use === null ? '' : `  ${use}\n`}`;
}

function seedJson({ root, elsewhere, linksLeftOut }: Seeded): object {
  return { from: root === null ? null : shownRoot(root), elsewhere, linksLeftOut };
}

/** Returns how runs use a volume that its name alone does not open; null: its name or the project's file is enough. */
function useText({ request, tool, own }: PlannedVolume, project: Namespace): string | null {
  const { name, path, source } = request;
  if (tool.name === name || source !== '-v') return null;
  if (tool.name !== unknownToolName) return toolInFile({ namespace: own.namespace, name, tool: tool.name }, project);
  return path === anyPath ? `a run names its path: -v ${volumeText(own.namespace, name, project)}:PATH` : null;
}

/** Returns a volume, with its namespace if that is not the project's. */
function volumeText(namespace: Namespace | null, name: string, project: Namespace): string {
  return namespace === null || namespace === project ? name : `${namespace}:${name}`;
}

function seedText(
  file: string,
  { namespace, name, added, changed, savedBytes, layer }: VolumeReport,
  project: Namespace,
): string {
  if (layer === null) return `nothing new in ${file}\n`;
  const what = changed === 0 ? `${added} added` : `${added} added, ${changed} changed`;
  return `imported ${file} into ${volumeText(namespace, name, project)}: ${what}, ${formatBytes(savedBytes)}, as layer ${shortId(layer)}\n`;
}

import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { CachelaneError, formatLane, parseLane } from '@cachelane/core';
import { openExport } from '@cachelane/engine';
import { defineCommand, jsonOption, projectOptions, type Command } from '../../host/command.ts';
import { writeFault } from '../../base/file-fault.ts';
import { findVolume, projectOf } from '../../context/find-volume.ts';
import { formatBytes, plural } from '../../base/format.ts';
import { compatOption, oneHead } from '../../inspect/heads.ts';
import { printJson } from '../../host/print.ts';
import { countBytes } from '../../base/count-bytes.ts';
import { withProgress } from '../../reporters/command-progress.ts';
import { countInto } from '../../reporters/progress.ts';
import { readStore } from '../../home/store.ts';
import { whereToRun } from '../../host/working-directory.ts';

export const exportVolume: Command = defineCommand({
  name: 'export',
  summary: 'write a volume to one file',
  examples: ['cachelane export npm -o npm.cachelane'],
  details: [
    'Writes the present contents of one lane, by default the lane that a run here would write, as one layer; with --history all its layers. The file is a tar archive with an index and a tar.zst for each layer. Damaged content is never exported.',
    'A layer with a symlink that leads out of the volume is exported, but no import accepts it.',
  ],
  options: {
    ...projectOptions,
    output: { short: 'o', value: 'FILE', help: 'the file to write; an existing one is replaced at the end' },
    lane: { value: 'LANE', help: 'another lane, as cachelane ls shows it' },
    history: { help: 'write all layers, not only the present contents' },
    ...compatOption,
    ...jsonOption,
  },
  operands: [{ name: 'VOLUME', help: 'NAME, or NAMESPACE:NAME' }],
  async run({ options, operands }, host) {
    if (options.output === undefined) {
      throw new CachelaneError('E_USAGE', 'the file to write is missing', { hint: '-o FILE' });
    }
    if (options.output === '-') {
      throw new CachelaneError('E_USAGE', 'an export cannot be written to standard output', {
        hint: 'name a file: -o FILE',
      });
    }
    const file = resolve(whereToRun(host, options.directory).dir, options.output);
    requireReplaceable(file);
    const { context } = await projectOf(host, options);
    return await readStore(host, async (store) => {
      const { namespace, variants } = await findVolume(host, store, { ...options, volume: operands.VOLUME });
      const lane = options.lane === undefined ? context.lane : formatLane(parseLane(options.lane));
      const { volume, head } = await oneHead(store, {
        volume: operands.VOLUME,
        variants,
        lane,
        compat: options.compat,
      });
      const files = await host.pieces.openExportFiles();
      const deps = { layers: await store.layers(), tools: await host.pieces.loadTools() };
      const { history, json } = options;
      const { signal } = store;
      await using exported = await openExport(deps, { namespace, volume, head }, { history, signal });
      const { layers } = exported.manifest;
      const sizeBytes = await withProgress(host, options, async ({ update }) => {
        const counted = countBytes(exported.parts, countInto(update, 'exporting', null));
        return await files.write(file, counted, signal).catch((error: unknown) => {
          throw error instanceof CachelaneError ? error : unwritable(file, error);
        });
      });
      const name = `${namespace}:${volume.name}`;
      if (json) printJson(host, { file, volume: name, lane, layers, sizeBytes });
      else {
        const how = history ? `all ${plural(layers.length, 'layer')}` : 'as it is now';
        host.stdout.write(`exported ${name} (lane ${lane}, ${how}) to ${file} (${formatBytes(sizeBytes)})\n`);
      }
      return 0;
    });
  },
});

/** Rejects directories, devices and pipes, which the export would replace. Errors: E_USAGE. */
function requireReplaceable(file: string): void {
  let stats;
  try {
    stats = statSync(file, { throwIfNoEntry: false });
  } catch (error) {
    throw unwritable(file, error);
  }
  if (stats === undefined || stats.isFile()) return;
  const what = stats.isDirectory() ? 'a directory' : 'not a regular file';
  throw new CachelaneError('E_USAGE', `cannot write ${file}: it is ${what}`, { hint: 'name a file' });
}

function unwritable(file: string, cause: unknown): CachelaneError {
  const { why, hint } = writeFault(file, cause);
  return new CachelaneError('E_USAGE', `cannot write ${file}: ${why}`, { hint, cause });
}

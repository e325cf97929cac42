import { projectOf } from '../../context/find-volume.ts';
import { toolEnvironmentOf } from '../../context/project.ts';
import { CachelaneError, displayPath, isCachelaneError, parseBytePath, seedText, type BytePath } from '@cachelane/core';
import { blamePath, requireStored, type Blamed } from '@cachelane/engine';
import { defineCommand, jsonOption, projectOptions, type Command } from '../../host/command.ts';
import { explainVolume } from '../../explain/explain-volume.ts';
import type { Explained } from '../../explain/explained.ts';
import { formatTable, formatTime } from '../../base/format.ts';
import { isoTime, printJson, shortId } from '../../host/print.ts';
import { noFlags, providerWishes } from '../../providers/provider-wishes.ts';
import { readStore } from '../../home/store.ts';
import { parseVolumeArgument } from '../../base/volume-argument.ts';

export const blame: Command = defineCommand({
  name: 'blame',
  summary: 'show which run saved a path of a volume',
  examples: ['cachelane blame npm _cacache/index', 'cachelane blame npm _cacache/index --all'],
  details: [
    'Shows the lane, and commit, workflow and time of the run if known. A merged file names all its runs. With --all, also shows hidden versions: older ones, those of farther lanes, and removals.',
  ],
  options: {
    ...projectOptions,
    all: { help: 'also show hidden versions' },
    ...jsonOption,
  },
  operands: [
    { name: 'VOLUME', help: 'NAME, or NAMESPACE:NAME' },
    { name: 'PATH', help: 'relative to the volume, or the path that a run would see' },
  ],
  async run({ options, operands }, host) {
    const argument = parseVolumeArgument(operands.VOLUME);
    return await readStore(host, async (store) => {
      const providers = await providerWishes(host, { flags: noFlags });
      const project = await projectOf(host, options);
      const place = { project, environment: toolEnvironmentOf(host, project) };
      const explained = await explainVolume({ host, store, providers }, place, argument, { needsPlace: false });
      requireStored(explained.planned);
      const path = pathIn(explained, operands.PATH);
      const heads = explained.chain.flatMap(({ held }) => (held === null ? [] : [held.head]));
      const { metadata, signal } = store;
      const all = await blamePath({ metadata, layers: await store.layers() }, { heads, path }, signal);
      const blamed = options.all ? all : all.filter(({ state }) => state === 'seen');
      if (options.json) printJson(host, blamed.map(toJson));
      else host.stdout.write(text(blamed));
      if (blamed.length > 0) return 0;
      throw nothingThere(explained, { path, isHidden: all.length > 0 });
    });
  },
});

/** Returns `typed` relative to the volume. Errors: E_USAGE. */
function pathIn({ planned: { target }, hasPlace }: Explained, typed: string): BytePath {
  const isBelow = hasPlace && typed.startsWith(`${target}/`);
  const inside = isBelow ? typed.slice(target.length + 1) : typed;
  try {
    const path = parseBytePath(Buffer.from(inside, 'utf8').toString('latin1'));
    if (path !== '') return path;
  } catch (error) {
    if (!isCachelaneError(error)) throw error;
  }
  throw new CachelaneError('E_USAGE', `${JSON.stringify(typed.slice(0, 200))} is not a path in the volume`, {
    hint: `give it relative to ${hasPlace ? target : 'the volume'}, as in cachelane diff`,
  });
}

function nothingThere(
  { namespace, planned: { request }, seed }: Explained,
  { path, isHidden }: { readonly path: BytePath; readonly isHidden: boolean },
): CachelaneError {
  return new CachelaneError('E_NOT_FOUND', `a run here finds no ${displayPath(path)} in ${namespace}:${request.name}`, {
    hint: isHidden ? 'show earlier versions with --all' : hintOf(seed),
  });
}

/** Files of a seed belong to no run. */
function hintOf(seed: Explained['seed']): string {
  return seed === null
    ? 'see: cachelane diff, cachelane inspect'
    : `unless it is in the seed ${seedText(seed)}, which belongs to no run`;
}

function toJson({ state, entry, layer, head, runs }: Blamed): unknown {
  return {
    state,
    path: displayPath(entry.path),
    type: entry.type,
    removed: entry.removed,
    form: entry.form,
    class: entry.mergeClass,
    sizeBytes: entry.sizeBytes,
    digest: entry.digest,
    layer,
    lane: head.lane,
    runs: runs.map(({ id, record }) => ({
      run: id,
      lane: record?.lane ?? null,
      revision: record?.revision ?? null,
      workflow: record?.workflow ?? null,
      at: record === null ? null : isoTime(record.startedAtMs),
    })),
  };
}

function text(blamed: readonly Blamed[]): string {
  if (blamed.length === 0) return '';
  return formatTable(
    [
      { title: 'STATE' },
      { title: 'LANE' },
      { title: 'RUN' },
      { title: 'STARTED' },
      { title: 'REVISION' },
      { title: 'WORKFLOW' },
      { title: 'LAYER' },
    ],
    blamed.flatMap(({ state, entry, layer, head, runs }) =>
      runs.map(({ id, record }) => [
        entry.removed === null ? state : `${state}, removed (${entry.removed})`,
        record?.lane ?? head.lane,
        shortId(id),
        record === null ? 'unknown' : formatTime(record.startedAtMs),
        record?.revision?.slice(0, 12) ?? '-',
        record?.workflow ?? '-',
        shortId(layer),
      ]),
    ),
  );
}

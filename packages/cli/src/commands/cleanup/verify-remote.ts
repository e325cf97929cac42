import { aboutKey, type HeadName } from '@cachelane/core';
import { repairRemote, requireWritable, verifyRemote, type RemoteVerification } from '@cachelane/engine';
import { defineCommand, jsonOption, type Command } from '../../host/command.ts';
import { exitCodes } from '../../base/exit-codes.ts';
import { projectOf } from '../../context/find-volume.ts';
import { plural, printable } from '../../base/format.ts';
import { openChosenRemote, requireRemote } from '../../remotes/open-chosen-remote.ts';
import { printJson, shortId } from '../../host/print.ts';
import { withProgress } from '../../reporters/command-progress.ts';
import { parseRemoteFlags, someRemote } from '../../remotes/remote-flags.ts';
import { openStore } from '../../home/store.ts';

export const verifyRemoteCommand: Command = defineCommand({
  name: 'verify remote',
  summary: 'check everything in the remote for damage',
  examples: ['cachelane verify remote', 'cachelane verify remote --repair --dry-run'],
  details: [
    'Downloads every head of the remote and every layer that a head names, and verifies them as a pull does. For each damaged or missing one, prints what is wrong and which lanes use it. The exit code is then 1.',
    "--repair removes those layers from the heads that name them, and deletes unreadable heads; everything else stays. Machines that still have the lost layers push them again. If the remote's own id (the head about) was damaged, the next run that saves gives it a new id. --repair is refused where a run may not save.",
  ],
  options: {
    ...someRemote,
    repair: { help: 'remove damaged layers and heads from use' },
    'dry-run': { help: 'with --repair: change nothing' },
    ...jsonOption,
  },
  operands: [],
  async run({ options }, host) {
    if (options.repair)
      requireWritable((await projectOf(host, { directory: undefined, namespace: undefined })).context);
    const flags = await parseRemoteFlags(host, options);
    const { signal } = new AbortController();
    await using shared = await openChosenRemote(host, { flags, strict: true, warn: () => undefined });
    const remote = requireRemote(shared);
    await using store = await openStore(host, signal);
    const deps = { ...store, remote, tools: await host.pieces.loadTools() };
    const found = await withProgress(host, options, async ({ update }) => await verifyRemote(deps, update, signal));
    const isDamaged = found.faultyLayers.length > 0 || found.faultyHeads.length > 0;
    const mends = options.repair && !options['dry-run'] && isDamaged;
    const moved = mends ? await repairRemote(deps, found, signal) : null;
    if (options.json) printJson(host, toJson(remote.name, found, moved));
    else host.stdout.write(text(remote.name, found, moved));
    return !isDamaged || mends ? exitCodes.ok : exitCodes.failure;
  },
});

function toJson(remote: string, found: RemoteVerification, moved: number | null): unknown {
  return {
    remote,
    heads: found.heads,
    layers: found.layers,
    repaired: moved !== null,
    damaged: found.faultyLayers.map(({ id, problem, heads }) => ({ layer: id, problem, heads })),
    damagedHeads: found.faultyHeads,
  };
}

function text(remote: string, found: RemoteVerification, moved: number | null): string {
  const { heads, layers, faultyLayers, faultyHeads } = found;
  const read = `${remote}: ${plural(heads, 'head')} and ${plural(layers, 'layer')} verified`;
  if (faultyLayers.length === 0 && faultyHeads.length === 0) return `${read}: no damage found\n`;
  const damaged = [
    ...faultyHeads.map(headText),
    ...faultyLayers.map(
      ({ id, problem, heads: hurt }) =>
        `layer ${shortId(id)} cannot be used\n  ${printable(problem)}\n${hurt.map((name) => `  in ${nameText(name)}\n`).join('')}`,
    ),
  ];
  const end =
    moved === null
      ? 'cachelane verify remote --repair removes them'
      : `${plural(moved, 'head')} moved or removed; machines that have the layers push them again`;
  const isNew = moved !== null && faultyHeads.some(({ key }) => key === aboutKey);
  return `${damaged.join('')}${read}: ${faultyLayers.length + faultyHeads.length} cannot be used; ${end}\n${isNew ? anew : ''}`;
}

const anew = 'The next run that saves gives the remote a new id. Every machine then pushes to it as to a new remote.\n';

function headText({ key, problem }: RemoteVerification['faultyHeads'][number]): string {
  const hurt = key === aboutKey ? '  no run can use the remote until it is repaired\n' : '';
  return `head ${key} cannot be read\n  ${printable(problem)}\n${hurt}`;
}

function nameText({ namespace, volume, lane }: HeadName): string {
  return `${namespace}:${volume} ${lane}`;
}

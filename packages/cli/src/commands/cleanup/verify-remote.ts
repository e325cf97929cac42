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
  summary: 'read everything in the remote and name what is damaged',
  examples: ['cachelane verify remote', 'cachelane verify remote --repair --dry-run'],
  details: [
    'Reads every head of the remote and every layer that one names, and takes each apart as a run does that pulls it; all of it comes over the network. For what is damaged or missing says what is wrong and which lanes it hurts. Exit code 1 where there is any.',
    'With --repair those layers leave the heads that name them, and heads that cannot be read go; everything else stays. Machines that still have such a layer, or what such a head named, send it again with their next push. So does every machine where what the remote says of itself (the head about) was damaged: the next run that saves makes it new, with another id. Where a run may save nothing, nothing is repaired.',
  ],
  options: {
    ...someRemote,
    repair: { help: 'take what is damaged out of use' },
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
  if (faultyLayers.length === 0 && faultyHeads.length === 0) return `${read}: all is as it was saved\n`;
  const damaged = [
    ...faultyHeads.map(headText),
    ...faultyLayers.map(
      ({ id, problem, heads: hurt }) =>
        `layer ${shortId(id)} cannot be used\n  ${printable(problem)}\n${hurt.map((name) => `  in ${nameText(name)}\n`).join('')}`,
    ),
  ];
  const end =
    moved === null
      ? 'cachelane verify remote --repair takes them out of use'
      : `${plural(moved, 'head')} moved or removed; who has the layers sends them again`;
  const isNew = moved !== null && faultyHeads.some(({ key }) => key === aboutKey);
  return `${damaged.join('')}${read}: ${faultyLayers.length + faultyHeads.length} cannot be used; ${end}\n${isNew ? anew : ''}`;
}

const anew =
  'The next run that saves gives the remote a new id. To every machine it is another remote then: each sends what the lanes it writes lack there.\n';

function headText({ key, problem }: RemoteVerification['faultyHeads'][number]): string {
  const hurt = key === aboutKey ? '  no run shares anything until it is mended\n' : '';
  return `head ${key} cannot be read\n  ${printable(problem)}\n${hurt}`;
}

function nameText({ namespace, volume, lane }: HeadName): string {
  return `${namespace}:${volume} ${lane}`;
}

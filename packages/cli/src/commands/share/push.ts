import { backgroundVariable } from '@cachelane/core';
import { findPending, pushPending, requireWritable, type PendingHead, type PushOutcome } from '@cachelane/engine';
import { alone, aloneOrNext } from '../../host/alone.ts';
import { defineCommand, jsonOption, type Command } from '../../host/command.ts';
import { exitCodes } from '../../base/exit-codes.ts';
import { projectOf } from '../../context/find-volume.ts';
import { formatBytes, plural } from '../../base/format.ts';
import type { Host } from '../../host/host.ts';
import { openChosenRemote, requireRemote } from '../../remotes/open-chosen-remote.ts';
import { printJson } from '../../host/print.ts';
import { parseRemoteFlags, someRemote } from '../../remotes/remote-flags.ts';
import { withProgress } from '../../reporters/command-progress.ts';
import { conflictsText } from '../../reporters/words.ts';
import { openStore } from '../../home/store.ts';

export const push: Command = defineCommand({
  name: 'push',
  summary: 'upload saved layers that the remote lacks',
  examples: ['cachelane push --dry-run', 'cachelane push'],
  details: [
    'Runs push what they save. This command pushes everything else: layers saved with --push never or without a remote, imported layers, and layers that an outage or a kill left pending. It covers all shared lanes of this store, of all projects; --dry-run lists them. It also removes from the remote what a rollback or clean-up removed here.',
    'It is refused where a run may not save. The exit code is 1 if something could not be pushed.',
  ],
  options: {
    ...someRemote,
    'dry-run': { help: 'show what would be pushed, and push nothing' },
    quiet: { short: 'q', help: 'print problems only' },
    ...jsonOption,
  },
  operands: [],
  async run({ options }, host) {
    const { context } = await projectOf(host, { directory: undefined, namespace: undefined });
    requireWritable(context);
    const flags = await parseRemoteFlags(host, options);
    const { signal } = new AbortController();
    await using shared = await openChosenRemote(host, {
      flags,
      strict: true,
      warn: () => undefined,
    });
    const remote = requireRemote(shared);
    await using store = await openStore(host, signal);
    const isAsked = host.env[backgroundVariable] === undefined;
    const begin = isAsked ? alone : aloneOrNext;
    await using lease = await begin(host, store.leases, 'push', signal);
    if (lease === null) return exitCodes.ok;
    const tools = await host.pieces.loadTools();
    const results = await withProgress(host, options, async ({ events }) => {
      const deps = { ...store, remote, tools, events };
      const pending = await findPending(deps, signal, { lanes: isAsked ? 'all' : 'known', looks: isAsked });
      const done: Result[] = [];
      for (const head of pending) {
        done.push({ head, outcome: options['dry-run'] ? null : await pushPending(deps, head, signal) });
      }
      return done;
    });
    if (options.json) printJson(host, toJson(remote.name, results));
    else if (!options.quiet) host.stdout.write(text(remote.name, results));
    return report(host, results);
  },
});

interface Result {
  readonly head: PendingHead;
  /** Null in a dry run. */
  readonly outcome: PushOutcome | null;
}

function report({ stderr }: Host, results: readonly Result[]): number {
  const failed = results.flatMap(({ head, outcome }) =>
    outcome?.kind === 'failed' ? [{ head, error: outcome.error }] : [],
  );
  for (const [message, same] of Map.groupBy(failed, ({ error }) => error.message)) {
    const [first, ...others] = same.map(({ head }) => addressOf(head));
    const what = others.length === 0 ? `${first} was` : `${first} and ${plural(others.length, 'other')} were`;
    const stays = others.length === 0 ? 'stays' : 'stay';
    stderr.write(`cachelane: ${what} not pushed and ${stays} pending: ${message}\n`);
    const hint = same[0]?.error.hint;
    if (hint !== undefined) stderr.write(`  ${hint}\n`);
  }
  return failed.length === 0 ? exitCodes.ok : exitCodes.failure;
}

function addressOf({ name: { namespace, volume, lane } }: PendingHead): string {
  return `${namespace}:${volume} ${lane}`;
}

function toJson(remote: string, results: readonly Result[]): unknown {
  return {
    remote,
    heads: results.map(({ head, outcome }) => ({
      namespace: head.name.namespace,
      volume: head.name.volume,
      compat: head.name.compat,
      lane: head.name.lane,
      waiting: head.layers,
      removals: head.removals,
      ...sentJson(outcome),
      error: outcome?.kind === 'failed' ? outcome.error.message : null,
    })),
  };
}

function sentJson(outcome: PushOutcome | null): object {
  if (outcome?.kind !== 'sent') return { sent: false, layers: 0, bytes: 0, removed: 0, conflicts: [] };
  const { layers, bytes, removed, conflicts } = outcome;
  return { sent: true, layers, bytes, removed, conflicts };
}

function text(remote: string, results: readonly Result[]): string {
  if (results.length === 0) return `${remote} is up to date\n`;
  const lines = results.flatMap(({ head, outcome }) => {
    const what = addressOf(head);
    if (outcome === null) return [`${what}: would ${wouldText(head)}\n`];
    return outcome.kind === 'failed' ? [] : [`${what}: ${doneText(outcome)}\n`];
  });
  return lines.join('');
}

function wouldText({ layers, removals }: PendingHead): string {
  const sends = layers === 0 ? [] : [`send ${plural(layers, 'layer')}`];
  const removes = removals === 0 ? [] : [`remove ${plural(removals, 'layer')}`];
  return [...sends, ...removes].join(' and ');
}

function doneText(outcome: Extract<PushOutcome, { readonly kind: 'sent' }>): string {
  const { layers, bytes, removed, conflicts } = outcome;
  // Another push may have sent or removed them meanwhile.
  const sent = layers === 0 && removed > 0 ? [] : [`sent ${plural(layers, 'layer')}, ${formatBytes(bytes)}`];
  const gone = removed === 0 ? [] : [`removed ${plural(removed, 'layer')}`];
  const met = conflicts.length === 0 ? [] : [conflictsText(outcome)];
  return [...sent, ...gone, ...met].join(', ');
}

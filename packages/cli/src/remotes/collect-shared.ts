import {
  backgroundVariable,
  defaultPolicy,
  policyAt,
  policyKeys,
  type Policy,
  type PolicyKey,
  type PolicyValue,
} from '@cachelane/core';
import { collectRemote, type OnProgress, type RemoteGarbage } from '@cachelane/engine';
import { formatBytes, formatTable, formatTime, plural } from '../base/format.ts';
import type { Host } from '../host/host.ts';
import { openChosenRemote, requireRemote } from './open-chosen-remote.ts';
import { isoTime } from '../host/print.ts';
import { readUserConfig } from '../config/user-config.ts';

export interface SharedGarbage extends RemoteGarbage {
  readonly remote: string;
}

/** Collects in the remote. A person's own file can lengthen the default lifetimes of its heads, never shorten them. */
export async function collectShared(
  host: Host,
  { dryRun, onProgress }: { readonly dryRun: boolean; readonly onProgress: OnProgress },
): Promise<SharedGarbage> {
  const user = (await readUserConfig(host))?.policy ?? {};
  await using shared = await openChosenRemote(host, {
    flags: { address: undefined, push: undefined },
    strict: true,
    warn: () => undefined,
  });
  const remote = requireRemote(shared);
  const policy = atLeast(policyAt({ user, stored: [], lanes: [] }, { paths: [], lane: null }));
  const onlyIfDue = host.env[backgroundVariable] !== undefined;
  const options = { policyOf: () => policy, dryRun, onlyIfDue, onProgress };
  const { clock, random } = host;
  const garbage = await collectRemote({ remote, clock, random }, options, new AbortController().signal);
  return { ...garbage, remote: remote.name };
}

function atLeast(policy: Policy): Policy {
  const longer = (key: PolicyKey): PolicyValue =>
    policy[key].value < defaultPolicy[key].value ? defaultPolicy[key] : policy[key];
  return Object.fromEntries(policyKeys.map((key) => [key, longer(key)])) as unknown as Policy;
}

function bytesOf(objects: RemoteGarbage['deleted']): number {
  return objects.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

export function sharedJson({ remote, heads, deleted, marked, swept, isBusy }: SharedGarbage, dryRun: boolean): unknown {
  return {
    dryRun,
    remote,
    heads: heads.map(({ name, policy, usedAtMs }) => ({ ...name, policy, usedAt: isoTime(usedAtMs) })),
    deleted: { objects: deleted.length, bytes: bytesOf(deleted) },
    marked: { objects: marked.length, bytes: bytesOf(marked) },
    swept,
    busy: isBusy,
  };
}

export function sharedText({ remote, heads, deleted, marked, swept, isBusy }: SharedGarbage, dryRun: boolean): string {
  const table =
    heads.length === 0
      ? ''
      : `${formatTable(
          [{ title: 'VOLUME' }, { title: 'LANE' }, { title: 'USED' }, { title: 'WHY' }],
          heads.map(({ name: { namespace, volume, lane }, policy, usedAtMs }) => [
            `${namespace}:${volume}`,
            lane,
            formatTime(usedAtMs),
            policy,
          ]),
        )}\n`;
  const would = dryRun ? 'would delete' : 'deleted';
  const parts = [
    ...(heads.length > 0 ? [plural(heads.length, 'head')] : []),
    ...(deleted.length > 0 ? [`${plural(deleted.length, 'object')} (${formatBytes(bytesOf(deleted))})`] : []),
    ...(swept > 0 ? [plural(swept, 'unfinished upload')] : []),
  ];
  const done = parts.length === 0 ? `nothing to delete in ${remote}` : `${would} ${parts.join(', ')} in ${remote}`;
  const later =
    marked.length === 0
      ? ''
      : `${plural(marked.length, 'object')} (${formatBytes(bytesOf(marked))}) without a head can be deleted by a collection in a day\n`;
  return `${table}${done}\n${later}${isBusy ? 'another collection is running there\n' : ''}`;
}

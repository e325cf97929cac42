import { join } from 'node:path';
import { parseId, parseNamespace, parseVolumeName, type Clock, type HeadRecord, type Runtime } from '@cachelane/core';
import { removeRuns, Seeds, type EngineDependencies } from '@cachelane/engine';
import {
  openLayerFiles,
  openLeaseStore,
  openMounters,
  openSqliteMetadata,
  openTransferFiles,
  openSeedFiles,
} from '@cachelane/store';
import { findTool, tools } from '@cachelane/tools';
import type { World } from '../cli.fixture.ts';

// Actions on a world's store that have no CLI command yet.

const clock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: async () => await Promise.reject(new Error('unexpected sleep')),
};
const runtime = { name: 'none' } as unknown as Runtime;

export interface RunToRemove {
  readonly namespace: string;
  readonly volume: string;
  /** The id from `log --json` and `ls --json`. */
  readonly run: string;
}

/** Removes a run from the volume's head in the lane `t1:local`. Returns the new head. */
export async function takeOut(world: World, { namespace, volume, run }: RunToRemove): Promise<HeadRecord | undefined> {
  const { signal } = new AbortController();
  const random = { bytes: (count: number) => crypto.getRandomValues(new Uint8Array(count)) };
  await using metadata = await openSqliteMetadata({ file: join(world.store, 'state.db'), random, clock }, signal);
  const deps: EngineDependencies = {
    metadata,
    layers: openLayerFiles({ dir: world.store, bootId: 'boot', clock }),
    transfers: openTransferFiles({ dir: world.store }),
    remote: null,
    mounters: openMounters({ dir: world.store, bootId: 'boot' }),
    leases: openLeaseStore({ sessionsDir: join(world.store, 'sessions') }),
    seeds: new Seeds(openSeedFiles({ dir: world.store })),
    runtime,
    clock,
    random,
    tools,
    bootId: 'boot',
    events: () => {},
  };
  const record = await metadata.findNamespace(parseNamespace(namespace), signal);
  const found = (await metadata.listVolumes(signal)).find(
    ({ namespaceId, name }) => namespaceId === record?.id && name === parseVolumeName(volume),
  );
  if (found === undefined) throw new Error(`there is no ${namespace}:${volume}`);
  const lane = 't1:local' as HeadRecord['lane'];
  const removed = parseId('run', run);
  const runs = new Set([removed]);
  const request = { volumeId: found.id, lane, tool: findTool(found.tool), runs, by: removed, fetchReplaced: null };
  return await removeRuns(deps, request, signal);
}

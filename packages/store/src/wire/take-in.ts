import type { IncomingLayer } from '@cachelane/core';
import { ensureHomeDir } from '../layers/home-paths.ts';
import { discardStaging, stageLayer, type StageContext, type Staging } from '../layers/stage-layer.ts';
import { refusedWire } from './frames.ts';
import { unpackLayer } from './unpack-layer.ts';

/** A sweep takes stagings for left behind that say nothing for ten minutes. */
const heartbeatMs = 60_000;

/** Stages a layer that comes from elsewhere; nothing of it stays when it is refused. */
export async function takeIn(context: StageContext, incoming: IncomingLayer, signal: AbortSignal): Promise<Staging> {
  const { files, paths, owner, clock } = context;
  ensureHomeDir(files, paths.staging, owner);
  const dir = files.makeUniqueDir(`${paths.staging}/`);
  const heart = setInterval(() => files.setTime(dir, BigInt(clock.nowMs()) * 1_000_000n), heartbeatMs).unref();
  try {
    files.makeDir(`${dir}/tree`, 0o755);
    const request = await unpackLayer(incoming, { dir: `${dir}/tree`, files }, signal);
    const staging = stageLayer(context, request, signal);
    if (staging.id === incoming.id) return staging;
    discardStaging(context, staging.dir);
    throw refusedWire('its index is not written as this format says');
  } finally {
    clearInterval(heart);
    discardStaging(context, dir);
  }
}

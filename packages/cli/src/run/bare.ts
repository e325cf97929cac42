import type { Context, VolumeReport } from '@cachelane/core';
import { contextJson } from '../context/context-json.ts';
import type { Host } from '../host/host.ts';
import type { WrittenReport } from '../base/report-file.ts';
import type { WhereToRun } from '../host/working-directory.ts';
import type { CommandEnd } from './once.ts';
import type { Known } from './run-state.ts';

/** Describes the context to the command; the caller's value is for another command. */
const contextVariable = 'CACHELANE_CONTEXT';

/** Returns the command's environment: the caller's, with the directory and the context if known. */
export function commandEnv(host: Host, where: WhereToRun, context: Context | null): Readonly<Record<string, string>> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(host.env)) if (value !== undefined) env[name] = value;
  // A shell trusts an old PWD that names the same directory by another path.
  if (where.isChosen) env['PWD'] = where.dir;
  delete env[contextVariable];
  if (context !== null) env[contextVariable] = JSON.stringify(contextJson(context));
  return env;
}

/** Returns the report of a run without a cache. */
export function bareReport(known: Known, end: CommandEnd, why: string): WrittenReport {
  return {
    namespace: known.context?.namespace ?? null,
    lane: known.context?.lane ?? null,
    trust: known.context?.trust ?? null,
    exitCode: end.exitCode,
    volumes: known.volumes.map(({ name, path, leftOut }) => withoutCache(name, path, leftOut ?? why)),
  };
}

export function withoutCache(name: string, path: string, why: string): VolumeReport {
  const nothing = {
    restoredBytes: 0,
    attachMs: 0,
    saveMs: 0,
    added: 0,
    changed: 0,
    removed: 0,
    savedBytes: 0,
    merged: 0,
  };
  return {
    name,
    namespace: null,
    path,
    mounter: null,
    mounterWhy: null,
    sharing: null,
    hits: [],
    seed: null,
    evicted: null,
    cameBack: null,
    shrunk: null,
    ...nothing,
    layer: null,
    fed: [],
    conflicts: [],
    skipped: why,
    provider: null,
    warnings: [],
    leftToOthers: false,
    sync: null,
  };
}

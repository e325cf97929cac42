import {
  CachelaneError,
  isCachelaneError,
  type EngineEvent,
  type HeadName,
  type KeptDirectory,
  type Metadata,
  type NamespaceId,
  type RunId,
  type RunRecord,
} from '@cachelane/core';
import {
  findKept,
  planEverywhere,
  removeKept,
  requireWritable,
  revokeEverywhere,
  type RevocationPlans,
} from '@cachelane/engine';
import { defineCommand, jsonOption, projectOptions, type Command } from '../../host/command.ts';
import { compatText, projectOf } from '../../context/find-volume.ts';
import { plural } from '../../base/format.ts';
import { openChosenRemote } from '../../remotes/open-chosen-remote.ts';
import { printJson } from '../../host/print.ts';
import { parseRemoteFlags, whichRemote } from '../../remotes/remote-flags.ts';
import { warningText } from '../../reporters/words.ts';
import { parseRun, recordsOf, runJson, runText } from '../../inspect/run-argument.ts';
import { openStore, type Store } from '../../home/store.ts';
import { readersText } from '../inspect/trace.ts';
import { userOf } from '../../host/user-of.ts';
import { warn } from '../../host/warn.ts';

export const revoke: Command = defineCommand({
  name: 'revoke',
  summary: 'remove a run from every cache permanently',
  examples: ['cachelane revoke --run 4f2a6b --dry-run', 'cachelane revoke --run 4f2a6b'],
  details: [
    'Changes every head of this store and of the remote to what it would be without the run. For 14 days this is exact: squashed layers are replaced by the originals of the other runs. Later, all layers that include the run are dropped, and other runs rebuild them. The revocation is recorded with date and name: layers of the run on other machines are ignored from then on, and a rollback does not restore them.',
    'Lists the runs that read files of the run, as far as this machine knows. What they saved stays, unless --cascade revokes them too, with the runs that read from them, and so on. Check with --dry-run first. A run that may not save may not revoke.',
  ],
  options: {
    ...projectOptions,
    run: { value: 'RUN', required: true, help: 'the run id from cachelane log, or a longer prefix of it' },
    cascade: { help: 'also revoke the runs that read from it' },
    by: { value: 'NAME', help: 'name to record for the revocation; default: your user name' },
    ...whichRemote,
    'dry-run': { help: 'show what would be revoked without changing anything' },
    ...jsonOption,
  },
  operands: [],
  async run({ options }, host) {
    if (options.run === undefined) throw new CachelaneError('E_USAGE', 'name the run with --run RUN');
    if (options.by?.trim() === '') throw new CachelaneError('E_USAGE', '--by needs a name');
    const { context } = await projectOf(host, options);
    requireWritable(context);
    const flags = await parseRemoteFlags(host, options);
    const { signal } = new AbortController();
    await using shared = await openChosenRemote(host, { flags, strict: true, warn: () => undefined });
    await using store = await openStore(host, signal);
    const tools = await host.pieces.loadTools();
    const deps = {
      ...store,
      remote: shared.remote,
      tools,
      events: (event: EngineEvent) => {
        if (event.type === 'warning') warn(host, warningText(event));
      },
    };
    const run = await parseRun({ metadata: store.metadata, signal }, options.run);
    const plans = await planEverywhere(deps, { run, cascade: options.cascade }, signal).catch(withWayOut);
    await requireKnown(store.metadata, { run, plans }, signal);
    if (!options['dry-run']) {
      await revokeEverywhere(deps, plans, options.by ?? userOf(host), signal);
      await dropKept(store, plans, signal);
    }
    const isElsewhere = shared.remote === null && (await areSynced(store.metadata, plans, signal));
    const told = { plans, ...(await peopleOf(store.metadata, plans, signal)), dryRun: options['dry-run'] };
    if (options.json) printJson(host, toJson(told));
    else host.stdout.write(text(told));
    if (isElsewhere && !options['dry-run'] && !options.json) {
      host.stdout.write(
        'Other machines still have it until the next run here that uses the remote, or cachelane push\n',
      );
    }
    return 0;
  },
});

/** Suggests --no-remote, since a revocation should not wait for a remote. */
function withWayOut(error: unknown): never {
  if (!isCachelaneError(error, 'E_REMOTE_GONE')) throw error;
  const hint = 'use --no-remote to revoke it in this store; the next push of each lane updates the remote';
  throw new CachelaneError(error.code, error.message, { hint, retryable: error.retryable, cause: error });
}

/** Whether a remote has an affected lane. */
async function areSynced(metadata: Metadata, { here }: RevocationPlans, signal: AbortSignal): Promise<boolean> {
  const records = await metadata.listSyncedHeads(null, signal);
  return here.heads.some(({ head }) =>
    records.some(({ volumeId, lane, layers }) => volumeId === head.volumeId && lane === head.lane && layers.length > 0),
  );
}

interface Planned {
  readonly run: RunId;
  readonly plans: RevocationPlans;
}

/** A mistyped id must not look revoked. */
async function requireKnown(
  metadata: Metadata,
  { run, plans: { here, there } }: Planned,
  signal: AbortSignal,
): Promise<void> {
  if (here.heads.length + there.length > 0 || (await metadata.run(run, signal)) !== undefined) return;
  throw new CachelaneError('E_NOT_FOUND', `neither this store nor the remote has layers of ${run}`, {
    hint: 'cachelane log lists runs',
  });
}

/** Drops kept directories, which may contain removed files. */
async function dropKept(store: Store, { here }: RevocationPlans, signal: AbortSignal): Promise<void> {
  const isAffected = ({ volume, lane }: KeptDirectory): boolean =>
    here.heads.some(({ head }) => head.volumeId === volume && head.lane === lane);
  await removeKept(store.mounters, await findKept(store.mounters, isAffected, signal), signal);
}

type People = readonly (readonly [RunId, RunRecord | null])[];

interface Told {
  readonly plans: RevocationPlans;
  readonly runs: People;
  readonly readers: People;
  readonly paths: ReadonlyMap<NamespaceId, string | undefined>;
  readonly dryRun: boolean;
}

async function peopleOf(
  metadata: Metadata,
  { here }: RevocationPlans,
  signal: AbortSignal,
): Promise<Pick<Told, 'runs' | 'readers' | 'paths'>> {
  return {
    runs: await recordsOf({ metadata, signal }, here.runs),
    readers: await recordsOf({ metadata, signal }, here.readers),
    paths: new Map((await metadata.listNamespaces(signal)).map(({ id, paths }) => [id, paths[0]])),
  };
}

function toJson({ plans: { here, there }, runs, readers, paths, dryRun }: Told): unknown {
  return {
    dryRun,
    runs: runs.map(([id, record]) => runJson(id, record)),
    readers: readers.map(([id, record]) => runJson(id, record)),
    heads: here.heads.map(({ volume, head }) => ({
      namespace: paths.get(volume.namespaceId) ?? null,
      volume: volume.name,
      compat: volume.compat,
      lane: head.lane,
    })),
    inRemote: there.map(({ name: { namespace, volume, compat, lane }, layers }) => ({
      namespace,
      volume,
      compat,
      lane,
      layers,
    })),
  };
}

function text({ plans: { here, there }, runs, readers, paths, dryRun }: Told): string {
  const verb = dryRun ? 'would revoke' : 'revoked';
  const lines = runs.map(([id, record]) => `${verb} ${runText(id, record)}\n`);
  const heads = here.heads.map(
    ({ volume, head }) =>
      `  ${paths.get(volume.namespaceId) ?? '?'}:${volume.name} (${compatText(volume.compat)}) in lane ${head.lane}\n`,
  );
  const elsewhere = there.map(
    ({ name, layers }) => `  ${nameText(name)} of the remote: ${plural(layers.length, 'layer')}\n`,
  );
  const nowhere = heads.length + elsewhere.length === 0 ? '  no head contains it\n' : '';
  return [...lines, ...heads, ...elsewhere, nowhere, readersText(readers)].join('');
}

function nameText({ namespace, volume, compat, lane }: HeadName): string {
  return `${namespace}:${volume} (${compatText(compat)}) in lane ${lane}`;
}

import { laneIn } from '../values/lane-in.ts';
import { compatFields, type HeadRecord } from '@cachelane/core';
import { blamePath, type Blamed, type BlamedHead } from '@cachelane/engine';
import { seedFor, sourceIn, type SourceInput } from '../volumes/volume-source.ts';
import type { ApiRequest } from '../request/request.ts';
import { entryNode, pathIn } from './entry-node.ts';
import { headNode } from './head-node.ts';
import { heldBy, type Held } from '../volumes/held.ts';
import { providerNode } from './provider-node.ts';
import { runOf } from './run-node.ts';
import { chainHeads } from '../volumes/chain-heads.ts';
import { seedHeads } from '../volumes/seed-heads.ts';
import { feedNode, feedsOfVolume, grantNode, grantsOfVolume } from './sharing-nodes.ts';
import { volumeId, type VolumeSubject } from '../volumes/volume-subject.ts';

/** `known` is its record and heads if they were already read. */
export function volumeNode(request: ApiRequest, subject: VolumeSubject, known?: Held): object {
  const { world, caller, signal } = request;
  const { namespace, key, compat } = subject;
  let held = known === undefined ? undefined : Promise.resolve(known);
  const find = async (): Promise<Held> => await (held ??= heldBy(request, subject));
  const node = {
    __typename: 'CacheVolume',
    id: () => volumeId(subject),
    key,
    namespace,
    compat: () => compatFields(compat).map(([name, value]) => ({ name, value })),
    tool: subject.tool,
    sharing: subject.sharing,
    owner: subject.owner,
    source: subject.source?.node ?? null,
    warnings: subject.warnings,
    provider: async () => await providerNode(request, subject, (found) => volumeNode(request, found)),
    heads: async () => {
      const { volume, heads } = await find();
      return volume === null
        ? []
        : heads.map((head) => headNode(request, subject, { held: { namespace, volume, head }, volume: () => node }));
    },
    head: async ({ lane }: { readonly lane?: string | null }) => {
      const { volume, heads } = await find();
      const wanted = laneIn(lane) ?? caller.project.context.lane;
      const head = heads.find((each) => each.lane === wanted);
      return volume === null || head === undefined
        ? null
        : headNode(request, subject, { held: { namespace, volume, head }, volume: () => node });
    },
    blame: async ({ path, lane = null, source }: BlameArguments) => {
      const asked = (await sourceIn(request, source)) ?? subject.source;
      const own = await readHeads(request, { subject, lane, own: (await find()).heads });
      const seed = seedFor(request, { ...subject, source: asked });
      const heads = lane === null ? [...own, ...(await seedHeads(request, subject, seed))] : own;
      const question = { heads, path: pathIn(path) };
      const blamed = await request.readings.take(signal, async () => await blamePath(world.deps, question, signal));
      return blamed.map(blamedNode);
    },
    explain: async ({ source }: Sourced) => {
      const asked = (await sourceIn(request, source)) ?? subject.source;
      return await caller.project.explain(
        { namespace, key, defined: subject.defined },
        seedFor(request, { ...subject, source: asked }),
        caller.project.context.bounds,
      );
    },
    grants: async () => (await grantsOfVolume(request, subject)).map(grantNode),
    feeds: async () => (await feedsOfVolume(request, subject)).map(feedNode),
    sizeBytes: async () => {
      const ids = new Set((await find()).heads.flatMap(({ layers }) => layers));
      let total = 0;
      for (const id of ids) total += (await world.deps.metadata.layer(id, signal))?.counts.sizeBytes ?? 0;
      return total;
    },
  };
  return node;
}

interface Sourced {
  readonly source?: SourceInput | null;
}

interface BlameArguments extends Sourced {
  readonly path: string;
  readonly lane?: string | null;
}

interface BlameQuestion {
  readonly subject: VolumeSubject;
  readonly lane: string | null;
  readonly own: readonly HeadRecord[];
}

/** Returns the heads of one lane, or of all lanes that the caller reads, nearest first. */
async function readHeads(request: ApiRequest, { subject, lane, own }: BlameQuestion): Promise<readonly BlamedHead[]> {
  const { context } = request.caller.project;
  if (lane !== null) return own.filter((head) => head.lane === (laneIn(lane) ?? context.lane));
  return await chainHeads(request, subject);
}

function blamedNode({ state, entry, layer, head, runs }: Blamed): object {
  return {
    isSeen: state === 'seen',
    entry: entryNode(entry),
    layer,
    lane: head.lane,
    isSeed: head.isSeed === true,
    runs: runs.map(({ id, record }) => runOf(id, record)),
  };
}

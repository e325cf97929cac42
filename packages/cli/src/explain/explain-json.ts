import { seedText, type Tool } from '@cachelane/core';
import { isoTime } from '../host/print.ts';
import { storedLines } from '../inspect/tool-words.ts';
import { lifetimeJson } from './explain-lifetime.ts';
import { definitionJson, providerJson } from './explain-provider.ts';
import { explainedRemoteJson } from './explain-remote.ts';
import { whyText } from './explain-text.ts';
import { tiersJson } from './explain-tiers.ts';
import type { Explained } from './explained.ts';

export function explainJson(explained: Explained): unknown {
  const { context, namespace, namespaceId, planned, chain, chosenBy } = explained;
  const { request, tool, compat } = planned;
  const lane = chain[0]?.link.lane ?? context.lane;
  return {
    namespace,
    volume: request.name,
    lowLevelId: explained.lowLevelId,
    inputs: { namespaceId, volume: request.name, compat, lane },
    lane,
    trust: context.trust,
    canWrite: context.canWrite,
    path: explained.hasPlace ? planned.target : null,
    pathSource: explained.hasPlace ? planned.targetSource : null,
    mounter: { mounter: explained.choice.mounter, why: explained.choice.why },
    sharing: { sharing: explained.choice.sharing, asked: request.sharing },
    chosenBy,
    provider: providerJson(explained),
    definition: definitionJson(request),
    compat,
    seed: explained.seed === null ? null : seedText(explained.seed),
    tool: toolJson(tool),
    commit: planned.commit,
    sync: planned.sync,
    remote: explainedRemoteJson(explained.remote),
    revoked: explained.revoked.map(({ run, atMs, by }) => ({ run, at: isoTime(atMs), by })),
    ...lifetimeJson(explained.lifetime),
    chain: chain.map(({ link, held }) => ({
      namespace: link.namespace,
      lane: link.lane,
      generation: held?.head.generation ?? 0,
      layers: held?.head.layers ?? [],
      files: held?.files ?? 0,
      sizeBytes: held?.sizeBytes ?? 0,
      updatedAt: held === null ? null : isoTime(held.head.updatedAtMs),
    })),
    tiers: tiersJson(explained.tiers),
    why: whyText(explained),
    catalog: explained.catalog,
    note: explained.note,
  };
}

function toolJson(tool: Tool): unknown {
  const { name, summary, commitWhen, prune, versions, tried } = tool;
  return { name, summary, commitWhen, prune, versions, stored: storedLines(tool), tried };
}

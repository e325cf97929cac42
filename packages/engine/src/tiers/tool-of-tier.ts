import {
  CachelaneError,
  parseCatalogText,
  type Metadata,
  type Namespace,
  type NamespaceId,
  type VolumeRecord,
} from '@cachelane/core';
import type { PlannedVolume } from '../model/planned-volume.ts';

export interface ToolQuestion {
  readonly planned: PlannedVolume;
  /** The tier to be fed. */
  readonly tier: { readonly namespace: Namespace; readonly id: NamespaceId };
  /** The tier's volume; undefined if it has none yet. */
  readonly volume: VolumeRecord | undefined;
}

/** Returns E_VOLUME if the tier's volume belongs to another tool, or null. The tier's catalog decides the tool, else the tier's first run. */
export async function whyOtherTool(
  metadata: Metadata,
  question: ToolQuestion,
  signal: AbortSignal,
): Promise<CachelaneError | null> {
  const { planned, tier, volume } = question;
  const mine = planned.tool.name;
  const { name } = planned.request;
  const address = `${tier.namespace}:${name}`;
  const defined = await definedTools(metadata, question, signal);
  const isDefined = defined.length === 0 || defined.includes(mine);
  if (isDefined && (volume === undefined || volume.tool === mine)) return null;
  // Only a confined session has `sharingKey`, and it must not learn what the tier has.
  if (planned.sharingKey !== null)
    return new CachelaneError('E_VOLUME', `${address} does not take contents of ${mine}`);
  if (!isDefined) {
    const what = `the catalog of ${tier.namespace} defines ${name} for ${defined.join(', ')}, and this volume is of ${mine}`;
    const hint = `use its definition or another name: cachelane catalog show ${tier.namespace}`;
    return new CachelaneError('E_VOLUME', what, { hint });
  }
  const since = await whoBegan(metadata, question, signal);
  const first = since === null ? '' : `, created by ${since}`;
  const what = `${address} is a volume of ${volume?.tool}${first}, and this volume is of ${mine}`;
  const fix = `cachelane rm ${address} removes it, so that the next run creates it again`;
  const hint =
    defined.length > 0
      ? `its catalog says ${mine}, but the volume is older: ${fix}`
      : `${fix}; a definition of ${name} in its catalog would decide the tool`;
  return new CachelaneError('E_VOLUME', what, { hint });
}

/** Returns the tools of the catalog's definitions that match this volume and its compat. */
async function definedTools(
  metadata: Metadata,
  { planned: { request, compat }, tier }: Omit<ToolQuestion, 'volume'>,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const latest = await metadata.catalogVersion(tier.id, null, signal);
  if (latest === undefined) return [];
  const { definitions } = parseCatalogText(latest.text, `the catalog of ${tier.namespace}`);
  const isMeant = (wanted: Readonly<Record<string, string>>): boolean =>
    Object.entries(wanted).every(([field, value]) => compat[field] === value);
  const meant = definitions.filter((each) => each.key === request.name && isMeant(each.compat));
  return [...new Set(meant.map(({ tool }) => tool))];
}

/** Returns the namespace of the run that made the lowest layer and so chose the tool; null if unknown. */
async function whoBegan(
  metadata: Metadata,
  { planned, tier, volume }: ToolQuestion,
  signal: AbortSignal,
): Promise<string | null> {
  if (volume === undefined) return null;
  const heads = await metadata.headsOf([volume.id], signal);
  const head = heads.find(({ lane }) => lane === planned.own.lane) ?? heads[0];
  const lowest = head?.layers.at(-1);
  const layer = lowest === undefined ? undefined : await metadata.layer(lowest, signal);
  const run = layer === undefined ? undefined : await metadata.run(layer.run, signal);
  if (run === undefined) return null;
  if (run.namespaceId === tier.id) return 'a run of its own';
  return (await metadata.namespace(run.namespaceId, signal))?.paths[0] ?? null;
}

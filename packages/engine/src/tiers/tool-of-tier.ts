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
  /** That is to be fed. */
  readonly tier: { readonly namespace: Namespace; readonly id: NamespaceId };
  /** That of the tier; undefined where it has none yet. */
  readonly volume: VolumeRecord | undefined;
}

/**
 * E_VOLUME where a tier's volume is one of another tool, whose rules the content was not made by; null where it is not. What the tier's catalog says of it decides, else whoever was first.
 */
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
  // Only confined sessions keep company: what a tier has is not for them to know.
  if (planned.company !== null) return new CachelaneError('E_VOLUME', `${address} is not for what is of ${mine}`);
  if (!isDefined) {
    const what = `the catalog of ${tier.namespace} has ${name} as one of ${defined.join(', ')}, and this one is of ${mine}`;
    const hint = `ask for it by its definition, or by another name: cachelane catalog show ${tier.namespace}`;
    return new CachelaneError('E_VOLUME', what, { hint });
  }
  const since = await whoBegan(metadata, question, signal);
  const first = since === null ? '' : `, as ${since} began it`;
  const what = `${address} is a volume of ${volume?.tool}${first}, and this one is of ${mine}`;
  const anew = `cachelane rm ${address} begins it anew`;
  const hint =
    defined.length > 0
      ? `its catalog says ${mine}, and the volume is older: ${anew}`
      : `${anew}; a definition of ${name} in its catalog decides for whoever feeds it`;
  return new CachelaneError('E_VOLUME', what, { hint });
}

/** Of the definitions of this volume, those of a kind that is not this one's left out. */
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

/** Whose run made what lies lowest in it: the tool was chosen then. Null where that is not known. */
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

import {
  CachelaneError,
  compatKey,
  type Compat,
  type Context,
  type Metadata,
  type VolumeRecord,
} from '@cachelane/core';
import type { VolumeRequest } from '../model/volume-request.ts';

interface Judged {
  readonly context: Pick<Context, 'namespace'>;
  readonly request: VolumeRequest;
  /** The compat of the machine that wants to use it. */
  readonly compat: Compat;
}

/** Checks whether a volume that a provider named fits the request. Errors: E_VOLUME for another tool. Returns a note as display text, or null. */
export async function judgeNamed(
  metadata: Pick<Metadata, 'findNamespace' | 'volumesOf'>,
  { context, request, compat }: Judged,
  signal: AbortSignal,
): Promise<string | null> {
  const { name, tool, provided } = request;
  const namespace = request.namespace ?? context.namespace;
  const isNamed = provided?.backing.kind === 'volume' && (name !== provided.as || namespace !== context.namespace);
  const record = isNamed ? await metadata.findNamespace(namespace, signal) : undefined;
  if (record === undefined) return null;
  const variants = (await metadata.volumesOf(record.id, signal)).filter((each) => each.name === name);
  const [first] = variants;
  if (first === undefined) return null;
  const ofTool = variants.filter((each) => each.tool === tool);
  const same = variants.find((each) => compatKey(each.compat) === compatKey(compat));
  const nearest = same ?? ofTool[0] ?? first;
  if (nearest.tool !== tool) throw ofOther(`${namespace}:${name}`, nearest, tool);
  if (same !== undefined) return null;
  return `a new variant for ${shown(compat)}: the volume has ${ofTool.map(variantText).join(', ')}`;
}

function ofOther(address: string, { tool: other }: VolumeRecord, tool: string): CachelaneError {
  return new CachelaneError('E_VOLUME', `${address} is a volume of ${other}, but the request is for ${tool}`, {
    hint: 'name a volume of the same tool, or a new name',
  });
}

function variantText({ compat }: VolumeRecord): string {
  return shown(compat);
}

function shown(compat: Compat): string {
  const fields = Object.entries(compat).map(([key, value]) => `${key}=${value}`);
  return fields.length === 0 ? 'no compat' : fields.join(' ');
}

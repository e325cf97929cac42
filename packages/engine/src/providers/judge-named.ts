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
  /** Whose contents it can use. */
  readonly compat: Compat;
}

/** Whether a volume that a provider named can be the one that was asked for. Errors: E_VOLUME for one of another tool. Returns what people have to know of it; null: nothing. */
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
  return `a variant of its own, that of ${shown(compat)}: there is ${ofTool.map(variantText).join(', ')}`;
}

function ofOther(address: string, { tool: other }: VolumeRecord, tool: string): CachelaneError {
  return new CachelaneError('E_VOLUME', `${address} is a volume of ${other}, and one of ${tool} was asked for`, {
    hint: 'name a volume of the same tool, or another name for a new one',
  });
}

function variantText({ compat }: VolumeRecord): string {
  return shown(compat);
}

function shown(compat: Compat): string {
  const fields = Object.entries(compat).map(([key, value]) => `${key}=${value}`);
  return fields.length === 0 ? 'no compat' : fields.join(' ');
}

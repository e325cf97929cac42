import {
  canonicalCompat,
  compatFields,
  parseLane,
  parseNamespace,
  parseVolumeName,
  type Compat,
  type LaneName,
  type LayerId,
  type Namespace,
  type VolumeName,
} from '@cachelane/core';

/** What an id names. Namespaces are stored by their first name, which stays valid. */
export type NodeId =
  | { readonly kind: 'namespace'; readonly namespace: Namespace }
  | VolumeNodeId
  | { readonly kind: 'head'; readonly volume: VolumeNodeId; readonly lane: LaneName }
  | { readonly kind: 'layer'; readonly layer: LayerId };

export interface VolumeNodeId {
  readonly kind: 'volume';
  readonly namespace: Namespace;
  readonly key: VolumeName;
  readonly compat: Compat;
  /** The definition that named it, which determines its tool; null: named by key. */
  readonly definition: NamedDefinition | null;
}

export interface NamedDefinition {
  /** The publishing namespace, by its name at that time. */
  readonly namespace: Namespace;
  readonly name: string;
  readonly version: number;
}

/** Returns the id of a node. Equal nodes have equal ids. */
export function formatNodeId(id: NodeId): string {
  return Buffer.from(JSON.stringify(fieldsOf(id)), 'utf8').toString('base64url');
}

function fieldsOf(id: NodeId): readonly unknown[] {
  switch (id.kind) {
    case 'namespace':
      return ['n', id.namespace];
    case 'volume':
      return [...volumeFields('v', id), ...definitionFields(id.definition)];
    case 'head':
      return [...volumeFields('h', id.volume), id.lane];
    case 'layer':
      return ['l', id.layer];
  }
}

function volumeFields(kind: 'v' | 'h', { namespace, key, compat }: VolumeNodeId): readonly unknown[] {
  return [kind, namespace, key, compatFields(compat)];
}

function definitionFields(definition: NamedDefinition | null): readonly unknown[] {
  return definition === null ? [] : [definition.namespace, definition.name, definition.version];
}

/** Returns the parsed id; undefined if {@link formatNodeId} would not make it. Ids may be forged. */
export function parseNodeId(text: string): NodeId | undefined {
  try {
    const fields: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    const id = Array.isArray(fields) ? nodeOf(fields) : undefined;
    return id !== undefined && formatNodeId(id) === text ? id : undefined;
  } catch {
    return undefined;
  }
}

function nodeOf([kind, ...fields]: readonly unknown[]): NodeId | undefined {
  const [first, key, compat, ...more] = fields;
  if (typeof first !== 'string') return undefined;
  if (kind === 'n') return { kind: 'namespace', namespace: parseNamespace(first) };
  if (kind === 'l') return /^[0-9a-f]{64}$/.test(first) ? { kind: 'layer', layer: first as LayerId } : undefined;
  if (typeof key !== 'string' || !Array.isArray(compat)) return undefined;
  const volume: VolumeNodeId = {
    kind: 'volume',
    namespace: parseNamespace(first),
    key: parseVolumeName(key),
    compat: canonicalCompat(Object.fromEntries(compat as readonly (readonly [string, string])[])),
    definition: kind === 'v' && more.length > 0 ? definitionIn(more) : null,
  };
  if (kind === 'v') return volume;
  const [lane] = more;
  if (kind !== 'h' || typeof lane !== 'string') return undefined;
  parseLane(lane);
  return { kind: 'head', volume, lane: lane as LaneName };
}

function definitionIn([namespace, name, version]: readonly unknown[]): NamedDefinition {
  return { namespace: parseNamespace(String(namespace)), name: String(name), version: Number(version) };
}

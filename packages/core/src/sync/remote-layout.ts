import type { NamespaceId } from '../base/ids.ts';
import type { Digest } from '../base/digest.ts';
import type { LayerId } from '../layers/entry.ts';
import { lowLevelId } from './low-level-id.ts';
import { parseRemoteKey, type RemoteKey } from '../names/remote-key.ts';
import type { HeadName } from './head-manifest.ts';

// Where things lie in a remote (docs/reference/store-format.md, "Remotes").

/** What the remote says of itself. */
export const aboutKey: RemoteKey = parseRemoteKey('about');

export const headPrefix = 'heads/';

/** A remote without a hub knows no ids of namespaces: there, a namespace is its path. */
export function headKey({ namespace, volume, compat, lane }: HeadName): RemoteKey {
  const id = lowLevelId({ namespaceId: namespace as string as NamespaceId, volume, compat, lane });
  return parseRemoteKey(`${headPrefix}${id}`);
}

export function indexKey(id: LayerId): RemoteKey {
  return parseRemoteKey(`layers/${id.slice(0, 2)}/${id}.index`);
}

/** By what the bytes are: the same layer, compressed in another way, is another object. */
export function dataKey(digest: Digest): RemoteKey {
  return parseRemoteKey(`data/${digest.slice(0, 2)}/${digest}.tar.zst`);
}

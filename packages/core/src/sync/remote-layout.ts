import type { NamespaceId } from '../base/ids.ts';
import type { Digest } from '../base/digest.ts';
import type { LayerId } from '../layers/entry.ts';
import { lowLevelId } from './low-level-id.ts';
import { parseRemoteKey, type RemoteKey } from '../names/remote-key.ts';
import type { HeadName } from './head-manifest.ts';

// The keys of a remote (docs/reference/store-format.md, "Remotes").

/** Identifies the remote. */
export const aboutKey: RemoteKey = parseRemoteKey('about');

export const headPrefix = 'heads/';

/** Returns the key of a head. A remote has no namespace ids, so the path is used as the id. */
export function headKey({ namespace, volume, compat, lane }: HeadName): RemoteKey {
  const id = lowLevelId({ namespaceId: namespace as string as NamespaceId, volume, compat, lane });
  return parseRemoteKey(`${headPrefix}${id}`);
}

export function indexKey(id: LayerId): RemoteKey {
  return parseRemoteKey(`layers/${id.slice(0, 2)}/${id}.index`);
}

/**
 * Returns the key of a layer's data by the digest of its bytes: the same layer, compressed differently, is another
 * object.
 */
export function dataKey(digest: Digest): RemoteKey {
  return parseRemoteKey(`data/${digest.slice(0, 2)}/${digest}.tar.zst`);
}

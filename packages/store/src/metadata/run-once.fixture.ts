import { randomBytes } from 'node:crypto';
import {
  digestOf,
  newId,
  type LaneName,
  type LayerId,
  type Metadata,
  type Namespace,
  type RemoteId,
  type VolumeName,
} from '@cachelane/core';

const { signal } = new AbortController();
const namespace = 'github.com/acme/web' as Namespace;
const lane = 't1:local' as LaneName;
const remote = '0'.repeat(32) as RemoteId;
const counts = { added: 1, changed: 0, removed: 0, sizeBytes: 1 };

/**
 * Opens a session, pushes one layer with a matching sync record, and closes the session. Calls `onPushed` once the
 * push is acknowledged.
 */
export async function runOnce(metadata: Metadata, onPushed: (layer: LayerId) => void): Promise<void> {
  const sessionId = newId('session', randomBytes(16));
  const run = newId('run', randomBytes(16));
  const layer = digestOf(run) as LayerId;
  const opened = await metadata.openSession(
    {
      sessionId,
      run: { id: run, lane, startedAtMs: Date.now(), revision: null, workflow: null, purpose: 'run' },
      namespace,
      freshNamespaceId: newId('namespace', randomBytes(16)),
      directory: null,
      adoptFrom: null,
      mayWrite: true,
      reads: true,
      volumes: [
        {
          name: 'npm' as VolumeName,
          compat: {},
          tool: 'npm',
          sync: null,
          chain: [{ namespace, lane }],
          lock: false,
          freshId: newId('volume', randomBytes(16)),
          freshNamespaceId: newId('namespace', randomBytes(16)),
        },
      ],
      targets: ['/a/b'],
      bootId: 'boot',
      atMs: Date.now(),
    },
    signal,
  );
  const [volume] = opened.volumes;
  if (volume === undefined) throw new Error('no volume');
  await metadata.updateSession(sessionId, { madeDirs: ['/a', '/a/b'], place: 'mnt:1' }, signal);
  await push(metadata, { volumeId: volume.volume.id, seen: volume.own, layer, run });
  onPushed(layer);
  await metadata.closeSession(sessionId, () => undefined, signal);
}

interface Push {
  readonly volumeId: Parameters<Metadata['head']>[0];
  readonly seen: { readonly generation: number; readonly layers: readonly LayerId[] };
  readonly layer: LayerId;
  readonly run: Parameters<Metadata['run']>[0];
}

async function push(metadata: Metadata, { volumeId, seen, layer, run }: Push): Promise<void> {
  let onto = seen;
  for (;;) {
    const record = await metadata.syncedHead(remote, volumeId, lane, signal);
    const layers = [layer, ...onto.layers];
    const result = await metadata.commit(
      {
        volumeId,
        lane,
        expectedGeneration: onto.generation,
        layers,
        layer: { id: layer, volumeId, run, counts, files: 1, sealedAtMs: Date.now(), bootId: 'boot' },
        synced: { remote, layers, expectedRevision: record?.revision ?? 0 },
        run,
        counts,
        atMs: Date.now(),
      },
      signal,
    );
    if (result.kind === 'moved') return;
    onto = result.head ?? { generation: 0, layers: [] };
  }
}

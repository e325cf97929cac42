import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  digestOf,
  newId,
  parseNamespace,
  parseVolumeName,
  type Context,
  type LayerId,
  type Namespace,
  type OpenVolume,
} from '@cachelane/core';
import { explainTiers, planVolume, type EngineDependencies } from '@cachelane/engine';
import { environment, lane, noAbort, openCrowded } from './crowded-store.ts';

// Measures resolving a name through large tiers: `tier-names HOME TIERS VOLUMES ROUNDS`.

/** Milliseconds, a sample for each round. */
export interface TierNames {
  /** Opens a volume of the farthest tier like a run. */
  readonly open: readonly number[];
  /** Explains a name, with every tier. */
  readonly explain: readonly number[];
}

const [home = '', tierCount = '', volumeCount = '', rounds = ''] = process.argv.slice(2);
const web = parseNamespace('github.com/acme/web');
const tiers = Array.from({ length: Number(tierCount) }, (_, index) => parseNamespace(`teams/tier-${index}`));
const nameOf = (number: number) => parseVolumeName(`volume-${number}`);
/** A volume in the last tier only. */
const wanted = parseVolumeName('wanted');
const random = { bytes: (count: number) => crypto.getRandomValues(new Uint8Array(count)) };

type Store = Pick<EngineDependencies, 'metadata' | 'layers'>;

function toOpen(name: OpenVolume['name'], chain: readonly Namespace[]): OpenVolume {
  return {
    name,
    compat: {},
    tool: 'npm',
    sync: null,
    chain: chain.map((namespace) => ({ namespace, lane })),
    lock: false,
    freshId: newId('volume', random.bytes(16)),
    freshNamespaceId: newId('namespace', random.bytes(16)),
  };
}

async function inSession<T>(
  { metadata }: Store,
  namespace: Namespace,
  volumes: readonly OpenVolume[],
  use: (
    opened: Awaited<ReturnType<Store['metadata']['openSession']>>,
    run: ReturnType<typeof newId<'run'>>,
  ) => Promise<T>,
): Promise<T> {
  const sessionId = newId('session', random.bytes(16));
  const run = newId('run', random.bytes(16));
  const opened = await metadata.openSession(
    {
      sessionId,
      run: { id: run, lane, startedAtMs: Date.now(), revision: null, workflow: null, purpose: 'run' },
      namespace,
      freshNamespaceId: newId('namespace', random.bytes(16)),
      directory: null,
      adoptFrom: null,
      mayWrite: true,
      reads: true,
      volumes,
      targets: [],
      bootId: 'bench',
      atMs: Date.now(),
    },
    noAbort,
  );
  const result = await use(opened, run);
  await metadata.closeSession(sessionId, () => undefined, noAbort);
  return result;
}

/** A head with one layer in each volume. The layers are never read. */
async function fill(store: Store): Promise<void> {
  for (const [index, tier] of tiers.entries()) {
    const names = Array.from({ length: Number(volumeCount) }, (_, number) => nameOf(number));
    if (index === tiers.length - 1) names[0] = wanted;
    const volumes = names.map((name) => toOpen(name, [tier]));
    await inSession(store, tier, volumes, async (opened, run) => {
      for (const { volume } of opened.volumes) {
        const id = digestOf(volume.id) as LayerId;
        const counts = { added: 1, changed: 0, removed: 0, sizeBytes: 1000 };
        const atMs = Date.now();
        const layer = { id, volumeId: volume.id, run, counts, files: 1, sealedAtMs: atMs, bootId: 'bench' };
        await store.metadata.commit(
          { volumeId: volume.id, lane, expectedGeneration: 0, layers: [id], layer, run, counts, atMs },
          noAbort,
        );
      }
    });
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - started) / 1e6;
}

const context: Context = {
  endpoint: 'local',
  namespace: web,
  parents: tiers,
  localNamespace: parseNamespace('local/bench-0123456789ab'),
  lane,
  trust: 'T1',
  defaultLane: null,
  readChain: [web, ...tiers].map((namespace) => ({ namespace, lane })),
  adoptFrom: null,
  personalTier: false,
  canWrite: true,
  why: 'bench',
  inputs: [],
};

async function measure(): Promise<TierNames> {
  mkdirSync(home, { recursive: true });
  await using store = await openCrowded(home, { isHasty: true });
  await fill(store);
  const request = { namespace: null, name: wanted, tool: 'npm', path: join(home, 'npm'), sharing: null } as const;
  const rest = { commit: null, sync: null, seed: null, compat: {}, source: 'bench' } as const;
  const planned = planVolume(store.tools, context, environment, { ...request, ...rest });
  const open: number[] = [];
  const explain: number[] = [];
  for (let round = 0; round <= Number(rounds); round++) {
    let took = 0;
    const started = process.hrtime.bigint();
    await inSession(store, web, [toOpen(wanted, [web, ...tiers])], async ({ volumes }) => {
      took = Number(process.hrtime.bigint() - started) / 1e6;
      if (volumes[0]?.pinned.length !== 1) throw new Error('the farthest tier was not found');
      await Promise.resolve();
    });
    const told = await timed(async () => await explainTiers(store, { context, planned, isConfined: false }, noAbort));
    // The first round reads from the disk.
    if (round === 0) continue;
    open.push(took);
    explain.push(told);
  }
  return { open, explain };
}

process.stdout.write(JSON.stringify(await measure()));

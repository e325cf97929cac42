import { parseLane, formatLane, type Namespace, type RunPurpose } from '@cachelane/core';
import { aLayer, countingIds, openOne, openRequest, pushLayer } from '@cachelane/testkit';
import { projectOf } from '../../context/find-volume.ts';
import type { Stage } from '../../fixtures/staged-host.fixture.ts';

// Volumes with heads, as runs leave them.

export const web = 'github.com/acme/web' as Namespace;
const dayMs = 86_400_000;
export const startMs: number = Date.parse('2026-01-01T00:00:00Z');

interface Pushed {
  readonly namespace?: Namespace;
  readonly name?: string;
  readonly compat?: Readonly<Record<string, string>>;
  /** By default `directory` for a volume with a compat, else `npm`. */
  readonly tool?: string;
  /** Names of layers, oldest first; a day apart. */
  readonly layers: readonly string[];
  readonly purpose?: RunPurpose;
  readonly lane?: string;
}

export const ids: ReturnType<typeof countingIds> = countingIds();

export async function push(on: Stage, pushed: Pushed): Promise<void> {
  const { namespace = web, name = 'npm', compat = {}, layers, purpose = 'run' } = pushed;
  const tool = pushed.tool ?? (Object.keys(compat).length > 0 ? 'directory' : 'npm');
  const lane = formatLane(parseLane(pushed.lane ?? 't1:local'));
  for (const [day, text] of layers.entries()) {
    const atMs = startMs + day * dayMs;
    const request = openRequest(ids, { namespace, volumes: [{ name, compat, tool }], atMs, lane });
    const { volumeId, run } = await openOne(on.metadata, { ...request, run: { ...request.run, purpose } });
    await pushLayer(on.metadata, { volumeId, layer: aLayer(text), run, atMs, lane });
  }
}

/** What a command answered with `--json`. */
export function json(on: Stage): unknown {
  return JSON.parse(on.out());
}

/** Returns the name of the stage's project without a remote. */
export async function localName(on: Stage): Promise<Namespace> {
  const { context } = await projectOf(on.host, { directory: undefined, namespace: undefined });
  return context.localNamespace;
}

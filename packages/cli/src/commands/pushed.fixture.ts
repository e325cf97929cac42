import type { Namespace } from '@cachelane/core';
import { aLayer, countingIds, openOne, openRequest, pushLayer } from '@cachelane/testkit';
import type { Stage } from '../staged-host.fixture.ts';

// Volumes with heads, as runs would have left them.

export const web = 'github.com/acme/web' as Namespace;
const dayMs = 86_400_000;
export const startMs: number = Date.parse('2026-01-01T00:00:00Z');

interface Pushed {
  readonly namespace?: Namespace;
  readonly name?: string;
  readonly compat?: Readonly<Record<string, string>>;
  /** Names of layers, oldest first; a day apart. */
  readonly layers: readonly string[];
}

export const ids: ReturnType<typeof countingIds> = countingIds();

export async function push(on: Stage, { namespace = web, name = 'npm', compat = {}, layers }: Pushed): Promise<void> {
  for (const [day, text] of layers.entries()) {
    const atMs = startMs + day * dayMs;
    const { volumeId, run } = await openOne(
      on.metadata,
      openRequest(ids, { namespace, volumes: [{ name, compat }], atMs }),
    );
    await pushLayer(on.metadata, { volumeId, layer: aLayer(text), run, atMs });
  }
}

/** What a command answered with `--json`. */
export function json(on: Stage): unknown {
  return JSON.parse(on.out());
}

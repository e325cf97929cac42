import { dataKey, decodeManifest, indexKey, type Remote, type RemoteKey } from '@cachelane/core';
import { verifyRemote, verifyStore } from '@cachelane/engine';
import { expect } from 'vitest';
import { noAbort } from '../engine.fixture.ts';
import type { Machine } from './machine.fixture.ts';

const quietly = (): void => undefined;

/** Expects that every layer of the home is unchanged, and that no layer of a head is missing. */
export async function expectSoundHome({ deps }: Machine): Promise<void> {
  expect((await verifyStore(deps, quietly, noAbort)).faulty).toEqual([]);
}

/** Expects that every head can be read and pulled, and that no layer of it is missing. */
export async function expectSoundRemote({ deps }: Machine, { heads }: { readonly heads?: number } = {}): Promise<void> {
  const found = await verifyRemote(deps, quietly, noAbort);
  expect(found).toMatchObject({ faultyLayers: [], faultyHeads: [] });
  if (heads !== undefined) expect(found.heads).toBe(heads);
  const there = new Set(await keysOf((after) => deps.remote.objects.list('', after, noAbort)));
  const named = await namedKeys(deps.remote);
  expect(named.filter((key) => !there.has(key))).toEqual([]);
}

async function namedKeys({ heads }: Remote): Promise<readonly RemoteKey[]> {
  const named: RemoteKey[] = [];
  for (const key of await keysOf(async (after) => await heads.list('heads/', after, noAbort))) {
    const head = await heads.read(key, noAbort);
    const layers = head === undefined ? [] : decodeManifest(head.bytes, null).layers;
    named.push(...layers.flatMap(({ id, data }) => [indexKey(id), dataKey(data.digest)]));
  }
  return named;
}

interface Page {
  readonly keys?: readonly RemoteKey[];
  readonly objects?: readonly { readonly key: RemoteKey }[];
  readonly more: boolean;
}

async function keysOf(list: (page: { readonly after?: RemoteKey }) => Promise<Page>): Promise<readonly RemoteKey[]> {
  const all: RemoteKey[] = [];
  for (let more = true; more;) {
    const after = all.at(-1);
    const page = await list(after === undefined ? {} : { after });
    all.push(...(page.keys ?? []), ...(page.objects ?? []).map(({ key }) => key));
    ({ more } = page);
  }
  return all;
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { newId, type AttachedVolume, type LaneName, type StoredLayer } from '@cachelane/core';
import { attachRequest } from '@cachelane/testkit';
import { expect, test } from 'vitest';
import type { StoreFiles } from '../files/store-files.ts';
import { openCloneMounter } from '../kept/clone-mounter.ts';
import { helpersOn, lastingThreads } from './fill.fixture.ts';
import { createKeptHome, type KeptHome } from '../kept/kept-home.fixture.ts';
import { dirOf, layerOf, noAbort } from '../kept/kept-runs.fixture.ts';
import { openLiveMounter } from '../kept/live-mounter.ts';

/** Reads all files of a directory repeatedly until the stop file exists. Then prints the contents it saw. */
const reader = `
  const fs = require('node:fs');
  const [dir, links, stop] = process.argv.slice(1);
  const seen = {};
  const look = (dir, what) => {
    for (let i = 0; i < 60; i++) {
      let text;
      try { text = fs.readFileSync(dir + '/' + i, 'latin1'); } catch (error) { text = error.code; }
      text = text.replace(/^(.)\\1*$/s, text.length === 50000 ? '$1' : 'half of $1');
      seen[what + ' ' + text.slice(0, 20)] = true;
    }
  };
  for (let rounds = 0; !fs.existsSync(stop); rounds++) {
    look(dir, 'name');
    look(links, 'link');
    if (rounds === 1) process.stdout.write('reading');
  }
  look(dir, 'end');
  process.stdout.write(JSON.stringify(Object.keys(seen).sort()));
`;

const kept = { volume: newId('volume', new Uint8Array(16).fill(9)), key: 'nine', lane: 't1:local' as LaneName };

async function join(home: KeptHome, view: readonly StoredLayer[], mounter = home.mounter): Promise<AttachedVolume> {
  return await mounter.attach(attachRequest(home, { kept, reach: 'setting', view }), noAbort);
}

/** Returns two layers with the same files, each filled with its own letter. */
async function twoLayers(home: KeptHome, { count, bytes }: Record<'count' | 'bytes', number>): Promise<StoredLayer[]> {
  const own = { ...home, mounter: openCloneMounter({ dir: home.dir, bootId: 'boot', files: home.files }) };
  const write = (letter: string): string =>
    `mkdir -p d; for i in $(seq 0 ${count - 1}); do rm -f d/$i; head -c ${bytes} /dev/zero | tr '\\0' ${letter} > d/$i; done`;
  const base = await layerOf(own, write('a'));
  return [base, await layerOf(own, write('b'), [base])];
}

test('a linked file of a live directory is always the old or the new one, and links keep the old one', async () => {
  const fill = await lastingThreads();
  await using home = await createKeptHome((options) => openLiveMounter({ ...options, fill }));
  const [base, top] = (await twoLayers(home, { count: 60, bytes: 50_000 })) as [StoredLayer, StoredLayer];
  const first = await join(home, [base]);
  const [dir, links, stop] = [`${dirOf(first)}/d`, `${home.targets}/project`, `${home.targets}/stop`];
  fs.mkdirSync(links);
  for (let i = 0; i < 60; i++) fs.linkSync(`${dir}/${i}`, `${links}/${i}`);
  await first.release(noAbort);
  const reading = spawn(process.execPath, ['-e', reader, dir, links, stop], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  reading.stdout.on('data', (data: Buffer) => (said += data.toString()));
  await once(reading.stdout, 'data');
  for (const view of [[top, base], [base], [top, base]]) await (await join(home, view)).release(noAbort);
  fs.writeFileSync(stop, '');
  await once(reading, 'close');
  expect(JSON.parse(said.replace('reading', ''))).toEqual(['end b', 'link a', 'name a', 'name b']);
});

test('the same holds between any two operations', async () => {
  await using home = await createKeptHome(openLiveMounter);
  const [base, top] = (await twoLayers(home, { count: 12, bytes: 1000 })) as [StoredLayer, StoredLayer];
  const first = await join(home, [base]);
  const dir = `${dirOf(first)}/d`;
  await first.release(noAbort);
  const seen = new Set<string>();
  const look = (): void => {
    for (let i = 0; i < 12; i++) seen.add(fs.readFileSync(`${dir}/${i}`, 'latin1'));
  };
  const files = new Proxy(home.files, {
    get(target, key: keyof StoreFiles) {
      const operation = target[key] as (...args: unknown[]) => unknown;
      return (...args: unknown[]) => {
        const result = operation(...args);
        look();
        return result;
      };
    },
  });
  await (await join(home, [top, base], home.open(files, helpersOn(files)))).release(noAbort);
  expect([...seen].toSorted()).toEqual(['a'.repeat(1000), 'b'.repeat(1000)]);
});

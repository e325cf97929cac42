import { closeSync, createReadStream, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { Agent } from 'node:http';
import type { LayerId } from '@cachelane/core';
import { layersIn, noAbort } from './layers.ts';
import { fetchRanges } from './ranges.ts';
import { reported } from './report.ts';

// Imports a layer in a separate process: into a home as a tree (`layer`) or as an `image`, or only to a file (`plain`).

const [kind = '', target = '', id = '', file = '', url = ''] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true });

/** Reads over the link if there is one, else from the file. */
const data: AsyncIterable<Uint8Array> =
  url === ''
    ? createReadStream(file, { highWaterMark: 1024 * 1024 })
    : fetchRanges({ url, sizeBytes: statSync(file).size, agent });

void reported(async () => {
  if (kind === 'plain') await writeDown();
  else await takeIn();
  agent.destroy();
});

/** Imports the layer. This part corresponds to a pull. */
async function takeIn(): Promise<void> {
  const layers = layersIn(target, kind === 'image');
  const index = readFileSync(`${file}.index`);
  const staged = await layers.unpack({ id: id as LayerId, index, data, sealedAtMs: Date.now() }, noAbort);
  await layers.publish(staged, noAbort);
}

async function writeDown(): Promise<void> {
  const descriptor = openSync(target, 'wx');
  for await (const chunk of data) {
    for (let at = 0; at < chunk.length;) at += writeSync(descriptor, chunk, at);
  }
  closeSync(descriptor);
}

import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import type { LayerId } from '@cachelane/core';
import { layersIn, noAbort } from './layers.ts';
import { reported } from './report.ts';

// Writes the wire form of a layer into two files, in a separate process.

const [home = '', id = '', file = ''] = process.argv.slice(2);

void reported(async () => {
  const { index, data } = await layersIn(home).pack(id as LayerId, noAbort);
  writeFileSync(`${file}.index`, index);
  const descriptor = openSync(file, 'wx');
  for await (const chunk of data) {
    for (let at = 0; at < chunk.length;) at += writeSync(descriptor, chunk, at);
  }
  closeSync(descriptor);
});

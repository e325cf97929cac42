import { writeSync } from 'node:fs';
import { isCachelaneError } from '@cachelane/core';
import { openStore } from './real-world.fixture.ts';
import { runOnce } from './run-once.fixture.ts';

/**
 * `node until-error.fixture.ts FILE` writes to the store until something fails. Prints the error's code, the number
 * of acknowledged pushes and the store's generation as JSON.
 */
const [, , file = ''] = process.argv;
const { signal } = new AbortController();
let pushed = 0;
let code: string | undefined;
let generation: number | undefined;
try {
  await using metadata = await openStore(file);
  try {
    for (;;) {
      await runOnce(metadata, () => {
        pushed++;
      });
    }
  } finally {
    generation = (await metadata.listHeads(signal))[0]?.generation ?? 0;
  }
} catch (error) {
  if (!isCachelaneError(error)) throw error;
  code = error.code;
}
writeSync(1, JSON.stringify({ code, pushed, generation }));

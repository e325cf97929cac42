import { writeSync } from 'node:fs';
import { openStore } from './real-world.fixture.ts';
import { runOnce } from './run-once.fixture.ts';

/**
 * `node runner-process.fixture.ts FILE COUNT` opens a session, pushes one layer and closes it, COUNT times (0:
 * until it is killed). Prints each layer's id once its push is acknowledged.
 */
const [, , file = '', text = '0'] = process.argv;
const count = text === '0' ? Infinity : Number(text);
await using metadata = await openStore(file);
for (let index = 0; index < count; index++) {
  await runOnce(metadata, (layer) => {
    writeSync(1, `${layer}\n`);
  });
}

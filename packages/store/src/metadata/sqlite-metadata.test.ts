import { join } from 'node:path';
import { metadataConformance } from '@cachelane/testkit';
import { openStore, scratchDir } from './real-world.fixture.ts';

metadataConformance('sqlite', () => {
  const dir = scratchDir();
  return Promise.resolve({
    open: () => openStore(join(dir.path, 'state.db')),
    [Symbol.asyncDispose]: () => {
      dir[Symbol.dispose]();
      return Promise.resolve();
    },
  });
});

import { archiveTarget } from './archive-target.fixture.ts';
import { framesTarget } from './frames-target.fixture.ts';
import type { TargetFactory } from './fuzz-target.fixture.ts';
import { imageTarget } from './image-target.fixture.ts';
import { indexTarget } from './index-target.fixture.ts';
import { manifestTarget } from './manifest-target.fixture.ts';
import { takeInTarget } from './take-in-target.fixture.ts';
import { threadsTarget } from './threads-target.fixture.ts';
import { walkTarget } from './walk-target.fixture.ts';

/** All readers of untrusted bytes, by their names on the command line. */
export const targets: Readonly<Record<string, TargetFactory>> = {
  archive: async (options) => await Promise.resolve(archiveTarget(options)),
  index: async (options) => await Promise.resolve(indexTarget(options)),
  frames: async () => await framesTarget(),
  walk: async (options) => await Promise.resolve(walkTarget(options)),
  threads: async (options) => await Promise.resolve(threadsTarget(options)),
  'take-in': async (options) => await Promise.resolve(takeInTarget(options)),
  image: imageTarget,
  manifest: async (options) => await Promise.resolve(manifestTarget(options)),
};

import type { MemoryVolume } from '@cachelane/testkit';
import { put, text } from '../testing/test-engine.fixture.ts';
import { readableIn, type LaneKey } from './world.fixture.ts';

// Names are `WHAT-LANE-NUMBER`. Each has a content, and a line in its lane's index.

const indexFile = 'index/all';

export function install(volume: MemoryVolume, name: string): void {
  put(volume, `content/${name}`, `bytes of ${name}`);
  const before = volume.exists(indexFile) ? text(volume, indexFile) : '';
  put(volume, indexFile, `${before}${name}\n`);
}

export function namesIn(volume: MemoryVolume | undefined): readonly string[] {
  if (volume?.exists(indexFile) !== true) return [];
  return text(volume, indexFile)
    .split('\n')
    .filter((line) => line !== '');
}

/** Names that a run finds; `whole`: names with their content. */
export interface Look {
  readonly named: ReadonlySet<string>;
  readonly whole: ReadonlySet<string>;
}

export function lookInto(volume: MemoryVolume | undefined): Look {
  const names = namesIn(volume);
  const whole = names.filter((name) => volume?.exists(`content/${name}`) === true);
  return { named: new Set(names), whole: new Set(whole) };
}

/** Removes unwanted names with their lines, like a tool's clean-up. Returns the removed names. */
export function sweepJunk(volume: MemoryVolume): readonly string[] {
  const [junk, left] = [true, false].map((isJunk) =>
    namesIn(volume).filter((name) => name.startsWith('junk') === isJunk),
  );
  for (const name of junk ?? []) volume.remove(`content/${name}`);
  if (junk?.length !== 0) volume.write(indexFile, (left ?? []).map((name) => `${name}\n`).join(''));
  return junk ?? [];
}

export interface Excuses {
  /** Names that may have lost their content. */
  readonly wasThere: (name: string) => boolean;
  /** Names that other lanes must show with their content; null if unknown. */
  readonly named: ReadonlySet<string> | null;
}

/** Checks that what a run finds is whole and comes from readable lanes. */
export function faultOfView(volume: MemoryVolume, key: LaneKey, { wasThere, named }: Excuses): string | null {
  for (const name of namesIn(volume)) {
    const from = name.split('-')[1] as LaneKey;
    if (!readableIn[key].includes(from)) return `a run in ${key} sees ${name}`;
    if (!volume.exists(`content/${name}`) && wasThere(name)) continue;
    if (!volume.exists(`content/${name}`)) return `a run in ${key} sees ${name} without its content`;
    if (text(volume, `content/${name}`) !== `bytes of ${name}`)
      return `a run in ${key} sees ${name} with other content`;
  }
  const seen = new Set(namesIn(volume));
  for (const path of named === null ? [] : volume.look().keys()) {
    const name = path.replace(/^content\//, '');
    // A clean-up in a nearer lane hides lines that other lanes get later.
    const hasName = name.split('-')[1] === key || named?.has(name) === true;
    if (name !== path && hasName && !seen.has(name)) return `a run in ${key} sees ${path}, which nothing names`;
  }
  return null;
}

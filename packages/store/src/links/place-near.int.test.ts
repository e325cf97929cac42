import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { placeNear } from './place-near.ts';

const elsewhere = '/dev/shm';
const isElsewhere = existsSync(elsewhere) && statSync(elsewhere).dev !== statSync(tmpdir()).dev;

interface Places extends Disposable {
  readonly homes: readonly [string, string];
  /** A project on another mount than the homes, in a directory that only we can write to. */
  readonly project: string;
  readonly top: string;
}

function makePlaces(): Places {
  const dir = mkdtempSync(join(tmpdir(), 'cachelane-place-'));
  const top = mkdtempSync(join(elsewhere, 'cachelane-place-'));
  const homes = [join(dir, 'one'), join(dir, 'two')] as const;
  const project = join(top, 'a/project');
  for (const each of [...homes.map((home) => join(home, 'kept')), project]) mkdirSync(each, { recursive: true });
  return {
    homes,
    project,
    top,
    [Symbol.dispose]() {
      for (const each of [dir, top]) rmSync(each, { recursive: true });
    },
  };
}

test('a home on the project’s mount keeps directories itself', () => {
  const dir = mkdtempSync(join(tmpdir(), 'cachelane-place-'));
  mkdirSync(join(dir, 'kept'));
  expect(placeNear(dir, dir)).toBe(join(dir, 'kept'));
  rmSync(dir, { recursive: true });
});

test.runIf(isElsewhere)('on another mount each home has its own place, which version control ignores', () => {
  using places = makePlaces();
  const [one, two] = places.homes.map((home) => placeNear(home, places.project));
  expect(one).not.toBe(two);
  for (const place of [one, two]) expect(place?.startsWith(`${places.top}/.cachelane/`)).toBe(true);
  expect(readFileSync(join(places.top, '.cachelane/.gitignore'), 'utf8')).toBe('*\n');
  expect(placeNear(places.homes[0], places.project)).toBe(one);
});

test.runIf(isElsewhere)('no place is used that others can write to, or that is a symlink', () => {
  using places = makePlaces();
  const [home] = places.homes;
  symlinkSync(home, join(places.top, '.cachelane'));
  expect(placeNear(home, places.project)).toBe(join(home, 'kept'));
  expect(existsSync(join(elsewhere, '.cachelane'))).toBe(false);
});

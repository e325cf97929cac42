import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseLock } from '@cachelane/core';
import { expect, test } from 'vitest';
import { sandbox } from '../../fixtures/cli-process.fixture.ts';

test('concurrent adds are all locked', async () => {
  using box = sandbox();
  writeFileSync(join(box.project, 'cachelane.catalog.yaml'), 'volumes: { npm: {} }\n');
  expect((await box.cachelane('catalog', 'publish', '-n', 'github.com/acme')).code).toBe(0);
  const aliases = ['a', 'b', 'c', 'd', 'e'];
  const ends = await Promise.all(aliases.map((alias) => box.cachelane('add', 'github.com/acme', '--as', alias)));
  expect(ends.map(({ code }) => code)).toEqual(aliases.map(() => 0));
  const locked = parseLock(readFileSync(join(box.project, 'cachelane.lock'), 'utf8'), 'it');
  expect(locked.map(({ alias }) => alias)).toEqual(aliases);
});

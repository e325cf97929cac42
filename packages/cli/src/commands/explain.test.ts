import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { mergeRequestOfFork, stage } from '../staged-host.fixture.ts';

// How a volume would be attached, and who could be at work in it at once.

const config = 'volumes:\n  data: { path: cache, sharing: shared }\n';

test('what the file says is said to be from there: the place, and who may be at work at once', async () => {
  using on = stage();
  writeFileSync(join(on.project, 'cachelane.yaml'), config);
  await on.cachelane('explain', 'data');
  expect(on.out()).toContain(`path:          ${join(on.project, 'cache')} (cachelane.yaml:2)\n`);
  expect(on.out()).toContain('mounter:       live: its sharing is SHARED\n');
  expect(on.out()).toContain('sharing:       SHARED (cachelane.yaml)\n');
  expect(on.out()).toContain('attached by:   cachelane run, because of cachelane.yaml:2\n');
  using plain = stage();
  await plain.cachelane('explain', 'npm');
  expect(plain.out()).toContain('mounter:       overlay: volumes can be mounted here\n');
  expect(plain.out()).toContain('sharing:       PRIVATE\n');
});

test('in a run that may save nothing', async () => {
  using on = stage({ env: mergeRequestOfFork });
  writeFileSync(join(on.project, 'cachelane.yaml'), config);
  await on.cachelane('explain', 'data');
  expect(on.out()).toContain('mounter:       overlay: a run that may not save has a view of its own\n');
  expect(on.out()).toContain('sharing:       PRIVATE, not SHARED as in cachelane.yaml\n');
});

test('where nothing can be mounted', async () => {
  using on = stage({
    pieces: { probeMounts: () => Promise.resolve({ ok: false, reason: 'no bwrap', mend: 'install it' }) },
  });
  await on.cachelane('explain', 'npm', '--json');
  expect(JSON.parse(on.out())).toMatchObject({
    mounter: { mounter: 'clone', why: 'volumes cannot be mounted here: no bwrap' },
    sharing: { sharing: 'PRIVATE', asked: null },
  });
});

import { CachelaneError, type ErrorCode } from '@cachelane/core';
import { describe, expect, test } from 'vitest';
import { stage } from '../fixtures/staged-host.fixture.ts';
import { errorText } from './error-text.ts';

const lines = (text: string): number => text.split('\n').length - 1;

const deep = (depth: number): never => {
  if (depth === 0) throw new TypeError('x is\nundefined');
  return deep(depth - 1);
};

function thrown(work: () => never): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

describe('an error is three lines at most', () => {
  test.each([
    ['with a hint', new CachelaneError('E_USAGE', 'FILE is missing', { hint: 'see: cachelane help import' })],
    ['with foreign line breaks', new CachelaneError('E_CONFIG', 'a\nb\r\nc', { hint: 'd\ne' })],
    ['with a long reason', new CachelaneError('E_REMOTE_GONE', 'no route '.repeat(200))],
    ['for a bug', thrown(() => deep(40))],
    ['that is a known bug', new CachelaneError('E_INTERNAL', 'a session has no volume')],
    ['for a thrown value that is no error', 'text\nof two lines'],
  ])('%s', (_, error) => {
    expect(lines(errorText(error))).toBeLessThanOrEqual(3);
  });

  test.each([
    [['frobnicate']],
    [['ns', 'renam']],
    [['ls', '--jsno']],
    [['run', '-v', '/x', '--', 'true']],
    [['explain', 'nothing']],
    [['log', 'npm']],
    [['export', 'npm']],
    [['import', 'missing']],
    [['push']],
    [['verify', 'remote']],
    [['gc', '--trust', 'T9']],
    [['grant', 'npm']],
    [['trace', 'run']],
    [['rollback', 'npm', '--to', '3']],
    [['ns', 'policy', '--set', 'x=y']],
    [['inspect', 'zzz']],
  ])('of cachelane %j', async (argv) => {
    using on = stage();
    expect(await on.cachelane(...argv)).not.toBe(0);
    expect(on.err()).toMatch(/^cachelane: /);
    expect(lines(on.err())).toBeLessThanOrEqual(3);
  });
});

test('suggests a next step if the message has none', () => {
  const codes: readonly ErrorCode[] = ['E_DISK_FULL', 'E_LAYER_CORRUPT', 'E_OBJECT_CORRUPT', 'E_REMOTE_GONE'];
  for (const code of codes)
    expect(errorText(new CachelaneError(code, 'it failed'))).toMatch(/^cachelane: it failed\n {2}\w/);
  expect(errorText(thrown(() => deep(3)))).toMatch(
    /^cachelane: this is a bug in cachelane: TypeError: x is\\u000aundefined\n {2}at .*error-text\.test.*\n {2}report it /,
  );
});

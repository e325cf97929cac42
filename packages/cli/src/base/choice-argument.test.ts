import { describe, expect, test } from 'vitest';
import { parseCommit, parseSharing } from './choice-argument.ts';

describe('values for all volumes or one', () => {
  test.each([
    [[], null, null],
    [['always'], 'always', 'always'],
    [['npm=never'], 'never', null],
    [['npm=never', 'success'], 'never', 'success'],
    [['exit', 'NEVER'], 'never', 'never'],
    [['npm=exit', 'npm=always'], 'always', null],
  ])('--commit %j', (texts, npm, other) => {
    const commit = parseCommit(texts);
    expect([commit.of('npm'), commit.of('go-build')]).toEqual([npm, other]);
  });

  test('also for sharing', () => {
    const sharing = parseSharing(['npm=locked', 'PRIVATE']);
    expect([sharing.of('npm'), sharing.of('go-build')]).toEqual(['LOCKED', 'PRIVATE']);
  });

  test.each(['sucess', 'npm=sucess'])('%s is refused with a suggestion', (text) => {
    expect(() => parseCommit([text])).toThrow(
      '--commit must be one of exit, success, always, never, not "sucess"; did you mean success?',
    );
  });
});

import { expect, test } from 'vitest';
import { otherThanTold, saidOf, type Outcome } from './outcome.ts';
import type { Called } from './playground.ts';

const told = (more: Partial<Outcome> = {}): Outcome => ({ exitCode: 0, prints: null, says: [], ...more });
const called = (more: Partial<Called> = {}): Called => ({ exitCode: 0, stdout: '', stderr: '', ...more });

test.each<readonly [name: string, outcome: Partial<Outcome>, call: Partial<Called>]>([
  ['nothing', { prints: [] }, {}],
  ['whatever it prints', {}, { stdout: 'a\nb\n' }],
  ['a line without an end', { prints: ['a'] }, { stdout: 'a' }],
  ['a part of a line', { prints: ['a … c.'] }, { stdout: 'a (b) c.\n' }],
  ['any lines', { prints: ['a', '  …', 'd'] }, { stdout: 'a\nb\nc\nd\n' }],
  [
    'some of what it says',
    { says: ['cachelane: b …'] },
    { stderr: 'cachelane: a\ncachelane: b (1 ms)\ncachelane: c\n' },
  ],
  ['an exit code', { exitCode: 7 }, { exitCode: 7 }],
])('%s is accepted', (_, outcome, call) => {
  expect(otherThanTold(told(outcome), called(call))).toBeNull();
});

test.each<readonly [name: string, outcome: Partial<Outcome>, call: Partial<Called>, why: string]>([
  ['another exit code', {}, { exitCode: 1 }, 'expected exit code 0, not 1'],
  ['a line too many', { prints: ['a'] }, { stdout: 'a\nb\n' }, 'expected the output "a", not "a\\nb"'],
  ['a line too few', { prints: ['a', 'b'] }, { stdout: 'a\n' }, 'expected the output "a\\nb", not "a"'],
  ['text that looks like a pattern', { prints: ['a.c'] }, { stdout: 'abc\n' }, 'not "abc"'],
  ['messages in another order', { says: ['a', 'b'] }, { stderr: 'b\na\n' }, 'expected the message "b"'],
])('%s is not', (_, outcome, call, why) => {
  expect(otherThanTold(told(outcome), called(call))).toContain(why);
});

test('the expected messages are shown', () => {
  expect(saidOf(['a…', 'c'], called({ stderr: 'a1\nb\nc\na2\n' }))).toEqual(['a1', 'c']);
});

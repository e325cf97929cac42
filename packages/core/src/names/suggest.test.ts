import { expect, test } from 'vitest';
import { closest, didYouMean } from './suggest.ts';

const commands = ['run', 'explain', 'inspect', 'doctor', 'ls', 'log'];

test.each([
  ['rnu', 'run'],
  ['explian', 'explain'],
  ['Doctor', 'doctor'],
  ['insp', 'inspect'],
  ['lgo', 'log'],
])('%s means %s', (word, meant) => {
  expect(closest(word, commands)).toBe(meant);
});

test('a distant candidate is not suggested', () => {
  expect(closest('npm', commands)).toBeUndefined();
  expect(didYouMean('frobnicate', commands)).toBe('');
});

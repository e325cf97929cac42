import { expect, test } from 'vitest';
import { tomlText } from './toml.ts';

test.each([
  ['[a.b]\nc = "x" # y', 'x'],
  ["[ a . 'b' ]\n\"c\" = 'x\\n'", String.raw`x\n`],
  ['a.b.c = "x\\ty"', 'x\ty'],
  ['[a]\nb = { d = "y", c = "x" }', 'x'],
  ['[a.b]\nc = """\nx"""', 'x'],
  ['[a]\nd = 9223372036854775807\nb.c = "x"', 'x'],
  ['[a.b]\n# c = "x"', undefined],
  ['[a.b]\nc = true', undefined],
  ['[a.b.d]\nc = "x"', undefined],
  ['[[a.b]]\nc = "x"', undefined],
  ['c = "x"', undefined],
  ['', undefined],
])('%j holds a.b.c = %j', (text, value) => {
  expect(tomlText(text, ['a', 'b', 'c'])).toBe(value);
});

test.each(['[a]\nb.c = "x"\nb.c = "y"', '[a.b]\nc = "x"\nd = '])('%j is not TOML and has no values', (text) => {
  expect(tomlText(text, ['a', 'b', 'c'])).toBeUndefined();
});

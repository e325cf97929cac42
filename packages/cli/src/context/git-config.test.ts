import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseGitConfig } from './git-config.ts';

/** `section.subsection.name=value`, one a line. */
function flat(text: string): readonly string[] {
  return parseGitConfig(text).map(
    ({ section, subsection, name, value }) =>
      `${section}${subsection === null ? '' : `.${subsection}`}.${name}=${value ?? '(none)'}`,
  );
}

test.each<readonly [string, string, readonly string[]]>([
  [
    'what git clone writes',
    '[core]\n\tbare = false\n[remote "origin"]\n\turl = git@h:a/b.git\n\tfetch = +refs/*:refs/*\n',
    ['core.bare=false', 'remote.origin.url=git@h:a/b.git', 'remote.origin.fetch=+refs/*:refs/*'],
  ],
  ['case of sections and names, but not of subsections', '[REMOTE "Origin"]\nURL = X', ['remote.Origin.url=X']],
  ['the old form of subsections, which ignores case', '[Branch.Main.X]\nremote=o', ['branch.main.x.remote=o']],
  ['escapes in subsections', String.raw`[remote "a\"b\\c\d"]` + '\nurl=x', [String.raw`remote.a"b\cd.url=x`]],
  ['a bracket in a subsection', '[remote "a]b"]\nurl=x', ['remote.a]b.url=x']],
  ['an entry on the line of its header', '[remote "o"] url = x', ['remote.o.url=x']],
  ['comments', '# a\n; b\n[a] # c\nx = 1 # d\ny = 2;e\n#z = 3', ['a.x=1', 'a.y=2']],
  ['comment signs in quotes', '[a]\nx = "1 # 2; 3" # 4', ['a.x=1 # 2; 3']],
  ['white space', '[a]\n \t x \t= \t 1  2\t 3 \t\ny=" 4 "  ', ['a.x=1  2\t 3', 'a.y= 4 ']],
  ['quotes inside a value', '[a]\nx = 1"2 "3', ['a.x=12 3']],
  ['escapes', String.raw`[a]` + '\n' + String.raw`x = \"1\"\t2\\3\n4\b`, ['a.x="1"\t2\\3\n4\b']],
  ['continued lines', '[a]\nx = 1\\\n  2\\\r\n3\ny = "4\\\n5"', ['a.x=1  23', 'a.y=45']],
  ['CRLF and a byte order mark', '\uFEFF[a]\r\nx = 1\r\ny\r\n', ['a.x=1', 'a.y=(none)']],
  ['a name alone, and an empty value', '[a]\nx\ny =\nz = ""', ['a.x=(none)', 'a.y=', 'a.z=']],
  ['a value with equal signs', '[a]\nx = 1=2', ['a.x=1=2']],
  ['no end of line', '[a]\nx = 1', ['a.x=1']],
  ['names of objects', '[__proto__]\nconstructor = 1', ['__proto__.constructor=1'].slice(1)],
  ['include is a section like others', '[include]\npath = /x', ['include.path=/x']],
])('%s', (_, text, entries) => {
  expect(flat(text)).toEqual(entries);
});

describe('lines that git refuses are skipped', () => {
  test.each<readonly [string, string, readonly string[]]>([
    ['a broken header hides its entries', '[a\nx = 1\n[b]\ny = 2', ['b.y=2']],
    ['an entry before any section', 'x = 1\n[b]\ny = 2', ['b.y=2']],
    ['an invalid name', '[b]\n1x = 1\n=\ny = 2', ['b.y=2']],
    ['an unknown escape', '[b]\nx = \\q\ny = 2', ['b.y=2']],
    ['a quote that does not end', '[b]\nx = "1\ny = 2', ['b.y=2']],
    ['text after a name', '[b]\nx y\ny = 2', ['b.y=2']],
  ])('%s', (_, text, entries) => {
    expect(flat(text)).toEqual(entries);
  });
});

test('any text is parsed to its end', () => {
  const piece = fc.oneof(
    fc.constantFrom('[', ']', '"', '\\', '\n', '=', '#', '[a]\n', '[a "b"]\n', 'x = 1\n', '\r\n'),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      expect(parseGitConfig(pieces.join(''))).toBeInstanceOf(Array);
    }),
  );
  expect(flat(`${'['.repeat(200_000)}\n[a]\nx = ${'"'.repeat(200_000)}1`)).toEqual(['a.x=1']);
});

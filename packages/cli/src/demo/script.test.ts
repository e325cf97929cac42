import { expect, test } from 'vitest';
import { readScript } from './script.ts';

const page = `# Title

Not played.

## How

\`\`\`sh
web$ not played
\`\`\`

## First

Before it,
on two lines.

\`\`\`console
web/site$ cachelane run -- ls
a …
cachelane: npm: hit
b
api$ false; echo '$ x'
exit code 1
\`\`\`

After it.
`;

test('a page is parsed into sections of paragraphs and steps', () => {
  expect(readScript(page)).toEqual([
    {
      title: 'First',
      parts: [
        'Before it,\non two lines.',
        {
          directory: 'web/site',
          line: 'cachelane run -- ls',
          exitCode: 0,
          prints: ['a …', 'b'],
          says: ['cachelane: npm: hit'],
        },
        { directory: 'api', line: "false; echo '$ x'", exitCode: 1, prints: [], says: [] },
        'After it.',
      ],
    },
  ]);
});

test.each([
  ['has no steps', '# A\n\n## B\n\ntext\n', 'it has no section with a console block'],
  ['begins with an outcome', '## B\n\n```console\na\n```\n', 'a block begins with "a"'],
])('a page that %s is refused', (_, text, why) => {
  expect(() => readScript(text)).toThrow(why);
});

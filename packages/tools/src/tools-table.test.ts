import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { unknownToolName, type Tool } from '@cachelane/core';
import { expect, test } from 'vitest';
import { tools } from './registry.ts';

const document = join(import.meta.dirname, '..', '..', '..', 'docs', 'TOOLS.md');

function row(tool: Tool): readonly string[] {
  const moved = Object.keys(tool.redirect('/x') ?? {}).filter((name) => !/^npm_|^pnpm_/.test(name));
  return [
    `\`${tool.name}\``,
    tool.summary,
    tool.lockfiles.map((name) => `\`${name}\``).join(' ') || '–',
    moved.map((name) => `\`${name}\``).join(' ') || '–',
    tool.linksOut ? 'yes' : 'no',
    tool.commitWhen,
    tool.prune.kind === 'command' ? `\`${tool.prune.argv.join(' ')}\`` : '–',
    tool.sync,
    tool.tried,
  ];
}

test('the table of docs/TOOLS.md is what the tools declare', () => {
  const expected = tools.filter(({ name }) => name !== unknownToolName).map(row);
  const found = readFileSync(document, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
  expect(found).toEqual(expected);
});

test('docs/TOOLS.md names the tools whose files go by themselves', () => {
  const text = readFileSync(document, 'utf8');
  const [, list = ''] = /^A volume of (.+?) can be kept within a `volume-budget`/m.exec(text) ?? [];
  const wanted = tools.filter(({ losesFiles }) => losesFiles).map(({ name }) => name);
  expect(list.split(/, | or /)).toEqual(wanted);
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { unknownToolName, type Tool } from '@cachelane/core';
import { expect, test } from 'vitest';
import { tools } from './registry.ts';

const document = readFileSync(join(import.meta.dirname, '../../../docs/reference/tools.md'), 'utf8');
const known = tools.filter(({ name }) => name !== unknownToolName);
const code = (texts: readonly string[]): string => texts.map((text) => `\`${text}\``).join(' ') || '–';

/** The rows of the table below a heading of the page, as cells. */
function tableOf(heading: string): readonly (readonly string[])[] {
  const [, section = ''] = document.split(`\n## ${heading}\n`);
  const [body = ''] = section.split('\n## ');
  const rows = body.split('\n').filter((line) => line.startsWith('| `'));
  return rows.map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
}

function placeRow(tool: Tool): readonly string[] {
  const moved = Object.keys(tool.redirect('/x') ?? {}).filter((name) => !/^npm_|^pnpm_/.test(name));
  return [code([tool.name]), code(tool.lockfiles), code(moved)];
}

function ruleRow(tool: Tool): readonly string[] {
  const prune = tool.prune.kind === 'command' ? code([tool.prune.argv.join(' ')]) : '–';
  return [code([tool.name]), tool.linksOut ? 'yes' : 'no', tool.commitWhen, prune, tool.sync, tool.tried];
}

test('the tables of docs/reference/tools.md list what the tools declare', () => {
  expect(tableOf('Volumes')).toEqual(known.map(({ name, summary }) => [code([name]), summary]));
  expect(tableOf('Detection and places')).toEqual(known.map(placeRow));
  expect(tableOf('Rules')).toEqual(known.map(ruleRow));
});

test('docs/reference/tools.md names the tools that a budget applies to', () => {
  const [, list = ''] =
    /^A `volume-budget` applies to ([^.]+)\./m.exec(document.replaceAll(/\n(?=[a-z`])/g, ' ')) ?? [];
  expect(list.split(/, | and /)).toEqual(tools.filter(({ losesFiles }) => losesFiles).map(({ name }) => name));
});

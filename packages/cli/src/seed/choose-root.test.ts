import { tools } from '@cachelane/tools';
import { describe, expect, test } from 'vitest';
import { chooseRoot } from './choose-root.ts';
import { layoutOf } from './layout.ts';
import { parseRoot } from './seed-into.ts';
import { surveyArchive, type Surveyed } from './survey.ts';

/** Names as `tar -t` shows them; directories end with a slash. */
async function* members(names: readonly string[]): AsyncGenerator<Surveyed> {
  for (const name of names) {
    await Promise.resolve();
    yield { name: parseRoot(name), kind: name.endsWith('/') ? 'dir' : 'file', linkName: '', sizeBytes: 0 };
  }
}

interface Case {
  readonly tool?: string;
  readonly target?: string;
  readonly from?: string;
}

async function rootOf(
  names: readonly string[],
  { tool = 'directory', target = '/srv/work/data', from }: Case = {},
): Promise<string> {
  const found = tools.find(({ name }) => name === tool);
  if (found === undefined) throw new Error(`no tool ${tool}`);
  const layout = layoutOf(found);
  const survey = await surveyArchive(members(names), layout);
  const asked = from === undefined ? null : parseRoot(from);
  return chooseRoot(survey, { file: 'F', from: asked, target, hasLayout: layout !== null });
}

const npm = { tool: 'npm', target: '/home/me/.npm' };
const content = '_cacache/content-v2/sha512/aa/bb/cc';

describe('the directory of an archive that is the volume', () => {
  test.each<readonly [string, readonly string[], Case, string]>([
    [
      'of actions/cache, relative',
      ['../../../.npm/', '../../../.npm/_cacache/', `../../../.npm/${content}`],
      npm,
      '../../../.npm',
    ],
    ['of actions/cache, absolute', ['/home/runner/.npm/', `/home/runner/.npm/${content}`], npm, '/home/runner/.npm'],
    ['of its part that was cached', ['../../.npm/_cacache/', `../../.npm/${content}`], npm, '../../.npm'],
    ['of the part alone', ['_cacache/', content], npm, ''],
    ['beside others', ['node_modules/', 'node_modules/x', '../../.npm/', `../../.npm/${content}`], npm, '../../.npm'],
    ['under another name', ['elsewhere/cache/', `elsewhere/cache/${content}`], npm, 'elsewhere/cache'],
    ['in a home', ['./', './.npm/', `./.npm/${content}`, './work/'], npm, '.npm'],
    ['of two, the one called alike', [`a/.npm/${content}`, `b/npm/${content}`], npm, 'a/.npm'],
    ['before the tool has stored anything', ['../../.npm/', '../../.npm/other'], npm, '../../.npm'],
    [
      'cargo, whose parts were cached',
      [
        '../.cargo/registry/index/',
        '../.cargo/registry/index/i/x',
        '../.cargo/registry/cache/',
        '../.cargo/registry/cache/index.crates.io-6f17d22bba15001f/left-1.0.0.crate',
      ],
      { tool: 'cargo-registry', target: '/home/me/.cargo/registry' },
      '../.cargo/registry',
    ],
    [
      'go, beside modules',
      [
        '../.cache/go-build/',
        '../.cache/go-build/0f/',
        `../.cache/go-build/0f/${'0f'.repeat(32)}-a`,
        '../go/pkg/mod/',
        '../go/pkg/mod/cache/',
      ],
      { tool: 'go-build', target: '/home/me/.cache/go-build' },
      '../.cache/go-build',
    ],
    [
      'pnpm of a later version',
      ['../setup-pnpm/store/', `../setup-pnpm/store/v12/files/aa/${'a'.repeat(126)}`],
      { tool: 'pnpm', target: '/home/me/.local/share/pnpm/store' },
      '../setup-pnpm/store',
    ],
    ['one directory', ['stuff/', 'stuff/a', 'stuff/d/', 'stuff/d/b'], {}, 'stuff'],
    ['one directory, packed as such', ['./', './a', './d/', './d/b'], {}, ''],
    ['files at the top', ['a', 'd/', 'd/b'], {}, ''],
    ['the contents of one', ['../x/a/', '../x/a/f', '../x/b/', '../x/b/f'], {}, '../x'],
    ['an archive without directories', ['x/a/1', 'x/b/2', 'x/3'], {}, 'x'],
    ['the same, of the top', ['a/1', '2'], {}, ''],
    ['one called as the volume', ['a/', 'a/f', '../data/', '../data/f'], {}, '../data'],
    ['one that leads to it', ['proj/data/x/', 'proj/data/x/f'], {}, 'proj/data'],
    [
      'one inside of what was packed, by two names',
      ['home/', 'home/work/', 'home/work/data/', 'home/work/data/f'],
      {},
      'home/work/data',
    ],
    ['not one inside with the same name by chance', ['stuff/', 'stuff/data/', 'stuff/data/f'], {}, 'stuff'],
    [
      'the outer one of two of the name',
      ['node_modules/', 'node_modules/a/node_modules/', 'node_modules/a/node_modules/f'],
      { target: '/srv/w/node_modules' },
      'node_modules',
    ],
    ['asked for', ['a/', 'a/f', '../b/', '../b/f'], { from: '../b/' }, '../b'],
    ['asked for, all of it', ['data/', 'data/f', 'other/'], { from: '.' }, ''],
    ['asked for, a part', ['a/', 'a/b/', 'a/b/c'], { from: './a/b' }, 'a/b'],
    ['asked for, absolute', ['/a/', '/a/f', 'b/'], { from: '/a' }, '/a'],
  ])('%s', async (_, names, choice, root) => {
    expect(await rootOf(names, choice)).toBe(root);
  });

  test.each<readonly [string, readonly string[], Case, RegExp, RegExp]>([
    [
      'several were packed',
      ['a/', 'a/f', '../b/', '../b/f'],
      {},
      /^F has 2 directories that may hold the volume: \.\.\/b, a$/,
      /--from DIRECTORY/,
    ],
    ['one leads up', ['./', './a', '../evil'], {}, /2 directories that may hold the volume: \., \.\.$/, /--from/],
    ['one is absolute', ['./', './a', '/etc/evil'], {}, /2 directories that may hold the volume: \., \/etc$/, /--from/],
    [
      'several are of the tool',
      [`a/x/${content}`, `b/x/${content}`],
      npm,
      /2 directories that may hold the volume: a\/x, b\/x$/,
      /--from/,
    ],
    [
      'many were packed',
      ['1/', '../2/', '3/', '4/', '5/', '6/', '7/'],
      {},
      /7 directories .*: \.\.\/2, 1, 3, 4, 5 and 2 more$/,
      /--from/,
    ],
    ['files of places without a common one', ['../a/f', '/b/f'], {}, /2 directories .*: \.\.\/a, \/b/, /--from/],
    ['what was asked for is not there', ['a/', 'a/f'], { from: 'b' }, /^F has no directory b$/, /^it has a$/],
    ['what was asked for is a file', ['a/', 'a/f'], { from: 'a/f' }, /^F has no directory a\/f$/, /^it has a$/],
  ])('is not guessed where %s', async (_, names, choice, message, hint) => {
    await expect(rootOf(names, choice)).rejects.toMatchObject({
      message: expect.stringMatching(message) as unknown,
      hint: expect.stringMatching(hint) as unknown,
    });
  });
});

test('every layout finds what its tool stores, wherever it lies', () => {
  for (const tool of tools) {
    const layout = layoutOf(tool);
    for (const { path } of tool.stored) {
      const example = path.replace(/<(\d+) hex>/g, (_, count: string) => 'a'.repeat(Number(count)));
      const isTelling = path.split('/').length > 1 || path.includes('<');
      if (layout === null || !isTelling) continue;
      expect(`/home/ann/x/${example}`.search(layout)).toBe('/home/ann/x/'.length);
    }
    expect('/home/ann/project/src/main.ts'.search(layout ?? /$^/)).toBe(-1);
  }
});

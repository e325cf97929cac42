import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { providerConformance } from '@cachelane/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadProviders } from './load-modules.ts';

const document = readFileSync(join(import.meta.dirname, '../../../../docs/howto/providers.md'), 'utf8');
const [, example = ''] = /```js\n([^]*?)```/.exec(document) ?? [];

const effectiveUid = process.geteuid?.() ?? 0;
const place = (): string => realpathSync(mkdtempSync(join(tmpdir(), 'cachelane-modules-')));

async function load(path: string, uid = effectiveUid) {
  const configPath = '/config.yaml';
  return await loadProviders({ modules: [{ value: path, line: 3 }], configPath, effectiveUid: uid });
}

providerConformance('the example of docs/howto/providers.md', async () => {
  const root = place();
  // The example has one place for all teams.
  const text = example.replace("'/mnt/caches'", JSON.stringify(join(root, 'caches')));
  writeFileSync(join(root, 'team.mjs'), text);
  mkdirSync(join(root, 'caches/payments/pip-x64'), { recursive: true });
  const [provider] = await load(join(root, 'team.mjs'));
  if (provider === undefined) throw new Error('the document has no example');
  return {
    provider,
    examples: [
      { argument: 'payments', says: 'seed' },
      { argument: 'search', says: 'volume' },
    ] as const,
    refuses: ['', '../payments', 'a/b', 'A'],
    [Symbol.asyncDispose]: async () => await Promise.resolve(rmSync(root, { recursive: true })),
  };
});

describe('a module', () => {
  let dir = '';
  beforeEach(() => {
    dir = place();
  });
  afterEach(() => {
    rmSync(dir, { recursive: true });
  });

  async function refusal(text: string | null, mode = 0o644, uid = effectiveUid): Promise<string> {
    const file = join(dir, 'module.mjs');
    if (text !== null) {
      writeFileSync(file, text);
      chmodSync(file, mode);
    }
    try {
      await load(file, uid);
    } catch (error) {
      const { code, message } = error as { readonly code: string; readonly message: string };
      expect(code).toBe('E_CONFIG');
      expect(message).toMatch(/^\/config\.yaml:3: .*module\.mjs /);
      return message;
    }
    return 'taken';
  }

  const fine = "export default { kind: 'a', provide: async () => ({ kind: 'nothing' }) };";

  test('is taken as it is', async () => {
    expect(await refusal(fine)).toBe('taken');
  });

  test.each<[string, string | null, string]>([
    ['is missing', null, 'cannot be read (ENOENT)'],
    ['is no program', 'export default {', 'cannot be loaded: '],
    [
      'throws',
      "throw new RangeError('no key at https://ann:s3cret@vault/x');",
      'cannot be loaded: no key at https://vault/x',
    ],
    ['imports what is not there', "import './none.mjs';", 'cannot be loaded: Cannot find module'],
    ['has no default export', 'export const kind = "a";', 'exports no provider'],
    ['has no function', "export default { kind: 'a' };", 'exports no provider'],
    ['has no kind that can be named', "export default { kind: 'A b', provide() {} };", 'exports no provider'],
    ['has the kind of a built-in provider', "export default { kind: 'dir', provide() {} };", 'which is built in'],
  ])('that %s is reported with its line', async (_, text, why) => {
    const said = await refusal(text);
    expect(said).toContain(why);
    expect(said).not.toContain('s3cret');
  });

  test('that others could have written is not run', async () => {
    const file = join(dir, 'ran');
    const text = `import { writeFileSync } from 'node:fs'; writeFileSync(${JSON.stringify(file)}, ''); ${fine}`;
    for (const mode of [0o666, 0o664, 0o646]) expect(await refusal(text, mode)).toContain('can be written by others');
    if (effectiveUid === 0) writeFileSync(join(dir, 'module.mjs'), text);
    chmodSync(dir, 0o777);
    expect(await refusal(text)).toContain('a directory that others can write to');
    expect(() => readFileSync(file)).toThrow('ENOENT');
  });

  test.runIf(effectiveUid === 0)('of another user is not run, not even by root', async () => {
    writeFileSync(join(dir, 'module.mjs'), fine);
    chownSync(join(dir, 'module.mjs'), 65_534, 65_534);
    expect(await refusal(null)).toContain('belongs to user 65534');
  });

  test.skipIf(effectiveUid === 0)('of another user is not run', async () => {
    expect(await refusal(fine, 0o644, effectiveUid + 1)).toContain('belongs to user');
  });
});

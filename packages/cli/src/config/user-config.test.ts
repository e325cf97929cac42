import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isCachelaneError, type CachelaneError } from '@cachelane/core';
import { readUserConfig } from './user-config.ts';

const effectiveUid = process.geteuid?.() ?? 0;
let home = '';
let path = '';
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'cachelane-user-config-'));
  path = join(home, '.config/cachelane/config.yaml');
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function write(text: string | Uint8Array, file = path): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text, { mode: 0o600 });
}

const read = (env: Record<string, string> = {}, uid = effectiveUid) =>
  readUserConfig({ env: { HOME: home, ...env }, effectiveUid: uid });

async function refusal(uid = effectiveUid): Promise<CachelaneError> {
  try {
    await read({}, uid);
  } catch (error) {
    if (isCachelaneError(error, 'E_CONFIG')) return error;
    throw error;
  }
  throw new Error('it was taken');
}

describe('where it lies', () => {
  test('below the home directory', async () => {
    write('remote: s3://bucket/prefix\npush: Wait\n');
    expect(await read()).toEqual({
      path,
      remote: { value: 's3://bucket/prefix', line: 1 },
      push: { value: 'wait', line: 2 },
      personalTier: null,
      parents: [],
      policy: {},
      providers: [],
      providerModules: [],
      catalogs: [],
    });
  });

  test('with parents of projects', async () => {
    write('parents:\n  github.com/acme/**: [teams/payments, github.com/acme]\n  github.com/acme/web: []\n');
    expect((await read())?.parents).toEqual([
      {
        of: { namespace: 'github.com/acme', below: true },
        parents: ['teams/payments', 'github.com/acme'],
        source: `${path}:2`,
      },
      { of: { namespace: 'github.com/acme/web', below: false }, parents: [], source: `${path}:3` },
    ]);
    write('parents: { Acme: [teams/x], github.com/acme: teams/x, github.com/other: [Teams X] }\n');
    const { message } = await refusal();
    for (const why of ['github.com/acme must be a list of namespaces', '"Teams X"']) expect(message).toContain(why);
  });

  test('with providers, and modules beside the file', async () => {
    write("providers: { pip: 'dir:/mnt/pip', npm: 'none:' }\nprovider-modules: [./vault.mjs, /opt/other.mjs]\n");
    const config = await read();
    expect(config?.providers).toEqual([
      { name: 'pip', ref: { kind: 'dir', argument: '/mnt/pip' }, source: `${path}:1` },
      { name: 'npm', ref: { kind: 'none', argument: '' }, source: `${path}:1` },
    ]);
    expect(config?.providerModules).toEqual([
      { value: join(path, '../vault.mjs'), line: 2 },
      { value: '/opt/other.mjs', line: 2 },
    ]);
  });

  test.each(["providers: { pip: 'dir:mnt' }", "providers: { 'a b': 'none:' }", 'provider-modules: ./vault.mjs'])(
    'the file is refused with %s',
    async (text) => {
      write(text);
      expect((await refusal()).message).toContain(path);
    },
  );

  test('the personal tier is enabled by yes or no', async () => {
    write('personal-tier: true\n');
    expect((await read())?.personalTier).toEqual({ value: true, line: 1 });
    write('remote: dir:/a\npersonal-tier: false\n');
    expect((await read())?.personalTier).toEqual({ value: false, line: 2 });
    write('personal-tier: maybe\n');
    expect((await refusal()).message).toContain('personal-tier must be one of true, false, not "maybe"');
  });

  test('below XDG_CONFIG_HOME, unless that is relative', async () => {
    const other = join(home, 'xdg');
    write('remote: dir:/a');
    write('remote: dir:/b', join(other, 'cachelane/config.yaml'));
    expect((await read({ XDG_CONFIG_HOME: other }))?.remote?.value).toBe('dir:/b');
    expect((await read({ XDG_CONFIG_HOME: 'xdg' }))?.remote?.value).toBe('dir:/a');
    expect(await read({ XDG_CONFIG_HOME: join(home, 'none') })).toBeNull();
  });

  test('without a file there is no problem', async () => {
    expect(await read()).toBeNull();
    writeFileSync(join(home, '.config'), 'a file');
    expect(await read()).toBeNull();
    expect(await readUserConfig({ env: {}, effectiveUid, accountHome: () => undefined })).toBeNull();
  });

  test('behind a symlink, as dotfiles do', async () => {
    write('push: never', join(home, 'dotfiles/config.yaml'));
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync(join(home, 'dotfiles/config.yaml'), path);
    expect((await read())?.push?.value).toBe('never');
  });
});

test.each(['', '# nothing\n'])('%j sets nothing', async (text) => {
  write(text);
  expect(await read()).toMatchObject({ remote: null, push: null });
});

describe('errors have file, line, column and reason', () => {
  test.each([
    ['remot: dir:/x', '1:1: unknown key "remot"; did you mean remote?'],
    ['remote: dir:/x\nvolumes: {}', '2:1: unknown key "volumes"'],
    ['remote:', '1:8: a remote must be text'],
    ['remote: [dir:/x]', '1:9: a remote must be text'],
    ['push: often', '1:7: push must be one of wait, background, never, not "often"'],
    ['push:', '1:1: push must be one of wait, background, never but has no value; the default is wait in CI'],
    ['- a', '1:1: the file must be a mapping'],
    ['remote: dir:/x\nremote: dir:/y', '2:1: Map keys must be unique'],
  ])('%j', async (text, message) => {
    write(text);
    const { message: said, hint } = await refusal();
    expect(said).toContain(`${path}:${message}`);
    expect(hint).toBe(`fix ${path}`);
  });

  test('not a file, or no text', async () => {
    mkdirSync(path, { recursive: true });
    expect((await refusal()).message).toBe(`${path} is not a file`);
    rmSync(path, { recursive: true });
    write(Uint8Array.of(0xff, 0xfe, 0x00));
    expect((await refusal()).message).toBe(`${path} is not UTF-8 text`);
    write('#'.repeat(300_000));
    expect((await refusal()).message).toContain('is larger than');
    rmSync(path);
    symlinkSync('nowhere', path);
    expect((await refusal()).message).toBe(`${path} cannot be read (ENOENT)`);
  });
});

describe('a file that others could have written is refused', () => {
  test.each([0o620, 0o602, 0o666])('mode %o', async (mode) => {
    write('remote: dir:/x');
    chmodSync(path, mode);
    const { message, hint } = await refusal();
    expect(message).toBe(`${path} can be written by others, who could redirect your caches`);
    expect(hint).toBe(`chmod go-w ${path}`);
  });

  test('another user’s', async () => {
    write('remote: dir:/x');
    const other = 54_321;
    if (effectiveUid === 0) chownSync(path, other, other);
    const [owner, reader] = effectiveUid === 0 ? [other, 0] : [effectiveUid, other];
    expect((await refusal(reader)).message).toBe(
      `${path} belongs to user ${owner}, and this command runs as user ${reader}`,
    );
  });

  test.runIf(effectiveUid === 0)('root’s file is accepted and may be readable by all', async () => {
    write('remote: dir:/x');
    chmodSync(path, 0o644);
    expect((await read({}, 54_321))?.remote?.value).toBe('dir:/x');
  });
});

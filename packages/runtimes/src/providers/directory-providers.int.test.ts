import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseNamespace, parseVolumeName, type Provided, type ProviderRequest } from '@cachelane/core';
import { providerConformance } from '@cachelane/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { directoryProvider, hostProvider } from './directory-providers.ts';
import { inUsableDirectory } from './usable-directory.ts';

let dir = '';
beforeEach(() => {
  dir = place();
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

function place(): string {
  return realpathSync(mkdtempSync(join(tmpdir(), 'cachelane-provided-')));
}

providerConformance('dir', async () => {
  const root = place();
  mkdirSync(join(root, 'pip'));
  writeFileSync(join(root, 'file'), '');
  return await Promise.resolve({
    provider: directoryProvider({ storeDir: join(root, 'store') }),
    isOurs: true,
    examples: [{ argument: join(root, 'pip'), says: 'directory' }] as const,
    refuses: [join(root, 'none'), join(root, 'file'), 'pip', '/', `${root}/../x`, join(root, 'file/x')],
    [Symbol.asyncDispose]: async () => await Promise.resolve(rmSync(root, { recursive: true })),
  });
});

providerConformance('host', async () => {
  const root = place();
  return await Promise.resolve({
    provider: hostProvider,
    isOurs: true,
    examples: [
      { argument: '', request: { place: root }, says: 'seed' },
      { argument: '', request: { place: join(root, 'none') }, says: 'volume' },
    ] as const,
    refuses: [''],
    [Symbol.asyncDispose]: async () => await Promise.resolve(rmSync(root, { recursive: true })),
  });
});

const requestFor = (argument: string): ProviderRequest => ({
  argument,
  volume: parseVolumeName('pip'),
  tool: 'pip',
  compat: {},
  project: parseNamespace('github.com/acme/web'),
  place: null,
  fetch: null,
});

const provide = async (argument: string) =>
  await directoryProvider({ storeDir: join(dir, 'home/store') }).provide(
    requestFor(argument),
    new AbortController().signal,
  );

describe('a directory', () => {
  test('is named by its real path', async () => {
    mkdirSync(join(dir, 'real'));
    symlinkSync(join(dir, 'real'), join(dir, 'link'));
    expect(await provide(join(dir, 'link'))).toEqual({ kind: 'directory', directory: join(dir, 'real') });
  });

  test('is never the store, a parent of it or a directory in it', async () => {
    mkdirSync(join(dir, 'home/store/layers'), { recursive: true });
    symlinkSync(join(dir, 'home/store'), join(dir, 'link'));
    for (const path of ['home', 'home/store', 'home/store/layers', 'link']) {
      await expect(provide(join(dir, path))).rejects.toMatchObject({ code: 'E_USAGE' });
    }
  });

  test('that is missing is not made', async () => {
    await expect(provide(join(dir, 'none'))).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
  });

  test('from another provider is checked too', async () => {
    mkdirSync(join(dir, 'home/store'), { recursive: true });
    mkdirSync(join(dir, 'real'));
    symlinkSync(join(dir, 'real'), join(dir, 'link'));
    const said = async (answer: unknown) => {
      const others = { kind: 'team', provide: async () => await Promise.resolve(answer as Provided) };
      return await inUsableDirectory(others, join(dir, 'home/store')).provide(
        requestFor(''),
        new AbortController().signal,
      );
    };
    expect(await said({ kind: 'directory', directory: join(dir, 'link') })).toEqual({
      kind: 'directory',
      directory: join(dir, 'real'),
    });
    await expect(said({ kind: 'directory', directory: join(dir, 'home/store') })).rejects.toMatchObject({
      code: 'E_USAGE',
    });
    await expect(said({ kind: 'directory', directory: join(dir, 'none') })).rejects.toMatchObject({
      code: 'E_NOT_FOUND',
    });
    await expect(said({ kind: 'directory', directory: 'real' })).rejects.toMatchObject({ code: 'E_USAGE' });
    expect(await said({ kind: 'seed', directory: join(dir, 'none') })).toMatchObject({ kind: 'seed' });
    expect(await said({ kind: 'nothing' })).toEqual({ kind: 'nothing' });
  });

  test.skipIf(process.geteuid?.() === 0)('that is not writable is refused', async () => {
    mkdirSync(join(dir, 'closed'));
    chmodSync(join(dir, 'closed'), 0o500);
    await expect(provide(join(dir, 'closed'))).rejects.toMatchObject({ code: 'E_USAGE' });
  });
});

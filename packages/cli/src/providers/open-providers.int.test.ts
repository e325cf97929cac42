import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Provider } from '@cachelane/core';
import { expect, test } from 'vitest';
import type { Host } from '../host/host.ts';
import { openProviders } from './open-providers.ts';

test('a module that could not be used is looked at again, once it is mended', async () => {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'cachelane-modules-')));
  using _ = { [Symbol.dispose]: () => rmSync(dir, { recursive: true }) };
  mkdirSync(join(dir, 'cachelane'));
  writeFileSync(join(dir, 'cachelane/config.yaml'), 'provider-modules: [./team.mjs]\n');
  const env = { HOME: dir, XDG_CONFIG_HOME: dir };
  const pieces = { guardProvider: async (provider: Provider) => await Promise.resolve(provider) };
  const host = { env, effectiveUid: process.geteuid?.() ?? 0, pieces } as unknown as Host;
  const providers = openProviders(host, join(dir, 'store'));
  await expect(providers.find('team')).rejects.toMatchObject({ code: 'E_CONFIG' });
  writeFileSync(
    join(dir, 'cachelane/team.mjs'),
    "export default { kind: 'team', provide: async () => ({ kind: 'nothing' }) };\n",
  );
  expect(await providers.find('team')).toMatchObject({ kind: 'team' });
});

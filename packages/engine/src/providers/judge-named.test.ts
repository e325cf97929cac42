import { parseProviderRef, parseVolumeName, type Provider } from '@cachelane/core';
import { expect, test } from 'vitest';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import type { VolumeRequest } from '../model/volume-request.ts';
import { indexedVolume, install, plainVolume, put, testEngine } from '../testing/test-engine.fixture.ts';

const name = parseVolumeName('stock');
const indexedStock = { ...indexedVolume, name };

function engineThatNamesStock() {
  const fixed: Provider = {
    kind: 'fixed',
    provide: async () => await Promise.resolve({ kind: 'volume', name }),
  };
  const find = async () => await Promise.resolve(fixed);
  return testEngine({ wrap: (deps: EngineDependencies) => Object.assign(deps, { providers: { find } }) });
}

const named: VolumeRequest = {
  ...indexedVolume,
  provider: { ref: parseProviderRef('fixed:', 'flag'), by: 'flag', source: 'flag', overridden: [] },
};

test('a provider cannot give a volume of another tool', async () => {
  const engine = engineThatNamesStock();
  await engine.run(([volume]) => put(volume, 'a', 'a'), { volumes: [{ ...plainVolume, name }] });
  const refusal = {
    code: 'E_VOLUME',
    message: expect.stringContaining(
      'indexed by fixed: (flag): github.com/acme/web:stock is a volume of directory, but the request is for indexed',
    ) as string,
  };
  await expect(engine.run(() => {}, { volumes: [named] })).rejects.toMatchObject(refusal);
  await engine.run(([volume]) => install(volume, 'a'), { volumes: [{ ...indexedStock, compat: { os: 'linux' } }] });
  // The name and tool exist, but this request is for the other volume.
  await expect(engine.run(() => {}, { volumes: [named] })).rejects.toMatchObject(refusal);
});

test('a new variant of a volume starts empty, and says which variants exist', async () => {
  const engine = engineThatNamesStock();
  await engine.run(([volume]) => install(volume, 'a'), { volumes: [{ ...indexedStock, compat: { os: 'linux' } }] });
  const first = await engine.run(([volume]) => install(volume, 'b'), { volumes: [named] });
  const plain = 'volume github.com/acme/web:stock';
  expect(first.report.volumes).toMatchObject([
    { provider: { gives: `${plain} (a new variant for no compat: the volume has os=linux)` } },
  ]);
  const again = await engine.run(() => {}, { volumes: [named] });
  expect(again.report.volumes).toMatchObject([{ provider: { gives: plain } }]);
});

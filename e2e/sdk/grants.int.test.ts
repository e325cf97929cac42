import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openSdkWorld } from './sdk-world.fixture.ts';

test('a program grants confined sessions of another project a volume or a whole namespace, and revokes the grants', async () => {
  await using on = openSdkWorld();
  await on.serve();
  const [web, api] = [await on.session(on.acme('web')), 'github.com/acme/api'];
  const confined = await on.session(on.acme('api'), { namespace: api, confine: true });
  await web.createNamespace(api);
  const npm = web.cacheVolume('npm');
  {
    await using fork = await web.attach([npm]);
    writeFileSync(join(fork.directory, 'a'), 'a');
    await fork.commit();
  }
  const theirs = confined.volume(await npm.id());
  const reads = async (): Promise<readonly string[] | string> => {
    try {
      await using fork = await confined.attach([{ volume: theirs, mode: 'READ' }]);
      return readdirSync(fork.directory);
    } catch (error) {
      return (error as { readonly code: string }).code;
    }
  };
  expect(await reads()).toBe('E_NOT_FOUND');
  expect(await npm.grant(api, { dryRun: true })).toMatchObject({ key: 'npm', to: api, access: 'READ' });
  expect([await npm.grants(), await reads()]).toEqual([[], 'E_NOT_FOUND']);

  const namespace = 'github.com/acme/web';
  const grant = { namespace, key: 'npm', to: api, access: 'WRITE', trust: 'T1' };
  expect(await npm.grant(api, { access: 'WRITE' })).toMatchObject(grant);
  expect(await reads()).toEqual(['a']);
  expect(await npm.grants()).toMatchObject([grant]);
  expect(await web.grants()).toMatchObject({ given: [grant], received: [] });
  expect(await confined.grants()).toMatchObject({ given: [], received: [grant] });
  expect(await npm.withdrawGrant(api)).toMatchObject(grant);
  expect([await npm.withdrawGrant(api), await reads()]).toEqual([null, 'E_NOT_FOUND']);

  // From any directory: the grant applies to the namespace of the derived engine.
  const all = { namespace, key: null, to: 'github.com/acme/**', access: 'READ' };
  const elsewhere = (await on.session(on.acme('other'))).withNamespace(namespace);
  expect(await elsewhere.grantAll(all.to)).toMatchObject(all);
  expect([await elsewhere.grants(), await reads()]).toMatchObject([{ given: [all] }, ['a']]);
  expect(await web.withdrawGrantAll(all.to)).toMatchObject(all);
  expect([(await web.grants()).given, await reads()]).toEqual([[], 'E_NOT_FOUND']);
  await expect(web.scope('lib').grantAll(api)).rejects.toMatchObject({ code: 'E_USAGE' });
  await expect(confined.grantAll(api, { namespace })).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
});

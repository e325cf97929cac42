import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { requireCommands } from '../require-commands.ts';
import { startRadosgw } from './radosgw.ts';
import { signedRequest } from './signed-request.ts';

/** Returns processes with the directory of a server in their arguments or environment. */
function daemonsOf(dir: string): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`CEPH_CONF=${dir}/`);
      } catch {
        return false;
      }
    });
}

const withServer = requireCommands('ceph-mon', 'ceph-osd', 'ceph', 'radosgw');

withServer('a server for tests', () => {
  test('two servers run at once, independently', async () => {
    await using one = await startRadosgw();
    await using other = await startRadosgw();
    for (const { endpoint, user } of [one, other]) {
      await signedRequest({ endpoint, user, method: 'PUT', path: '/bucket1' });
      expect(await signedRequest({ endpoint, user, method: 'GET', path: '/' })).toContain('<Name>bucket1</Name>');
    }
    const { endpoint } = one;
    await expect(signedRequest({ endpoint, user: other.user, method: 'GET', path: '/' })).rejects.toThrow('403');
    expect(await one.admin('bucket', 'list')).toContain('bucket1');
  });

  test('ends and removes its files when its owner is killed', async () => {
    const owner = spawn(process.execPath, [fileURLToPath(new URL('./radosgw-owner.fixture.ts', import.meta.url))], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [dir] = (await once(createInterface({ input: owner.stdout }), 'line')) as [string];
    expect(daemonsOf(dir).length).toBeGreaterThanOrEqual(4);
    owner.kill('SIGKILL');
    for (let tries = 0; tries < 600 && (existsSync(dir) || daemonsOf(dir).length > 0); tries++) await delay(50);
    expect(daemonsOf(dir)).toEqual([]);
    expect(existsSync(dir)).toBe(false);
  });
});

import { requireCommands } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { openWorld, worldUsers } from '../cli.fixture.ts';

// Four saves cause the first squash, sixteen a squash of squashes. Their whiteouts must not appear in a listing.

describe.each(worldUsers)('as %s', (user) => {
  requireCommands('bwrap', 'flock')('a file that an earlier run removed', () => {
    test('leaves no name behind after many saves, and nothing that blocks removing its directory', async () => {
      using world = openWorld({ user });
      const sh = async (script: string): Promise<string> => {
        const { code, stdout, stderr } = await world.run(['sh', '-euc', script], { options: ['-q', '-v', 'data:v'] });
        expect([code, stderr]).toEqual([0, '']);
        return stdout;
      };
      await sh('mkdir v/d v/e; for name in keep gone; do echo 1 > v/d/$name; echo 1 > v/e/$name; done');
      await sh('rm v/d/gone v/e/gone');
      for (let save = 3; save <= 17; save++) {
        await sh(`echo ${save} > v/${save}`);
        expect(await sh('ls -A v/d v/e; find v/d v/e -ls > /dev/null')).toBe('v/d:\nkeep\n\nv/e:\nkeep\n');
        if (save === 5) await sh('rm -r v/e; mkdir v/e; echo again > v/e/keep');
      }
      await sh('rm -r v/d v/e');
      expect(await sh('ls -A v | wc -l')).toBe('15\n');
    });
  });
});

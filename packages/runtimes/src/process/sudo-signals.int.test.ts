import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands } from '@cachelane/testkit';
import { afterAll, expect, test } from 'vitest';
import { readStat } from '../system/proc.ts';
import { findSudoTools } from '../chain/sudo-tools.ts';
import { allowSudo } from './sudo-rule.fixture.ts';
import { makeWorld, startClient, sudoUsers, until, type World } from './world.fixture.ts';

// Moments of the start that are too short to meet by chance.

const rule = allowSudo();
afterAll(() => rule.remove());

const pidFile = ({ root }: World): string => join(root, 'monitor.pid');

/** A prefix for a client whose monitor waits at a gate before it makes the command; needs root. */
function slowMonitor(world: World): { readonly prefix: readonly string[]; readonly open: () => void } {
  const found = findSudoTools(true);
  if ('missing' in found) throw new Error(`not installed: ${found.missing.join(', ')}`);
  const { perl } = found.tools;
  const [real, slow, gate] = ['real', 'slow', 'gate'].map((name) => join(world.dir('monitor'), name)) as [
    string,
    string,
    string,
  ];
  copyFileSync(perl, real);
  // A shell would unblock the signals.
  const wait = `open(my $file, ">", "${pidFile(world)}.part"); print $file $$; close($file);
    rename("${pidFile(world)}.part", "${pidFile(world)}"); open(my $gate, "<", "${gate}"); <$gate>; exec("${real}", @ARGV);`;
  writeFileSync(slow, `#!${real}\n${wait}\n`, { mode: 0o755 });
  spawnSync('mkfifo', ['--mode=666', gate]);
  const script = 'mount --bind "$1" "$2"; shift 2; exec "$@"';
  return {
    prefix: ['unshare', '--mount', '--', 'sh', '-ec', script, 'sh', slow, perl],
    open: () => writeFileSync(gate, 'go on\n'),
  };
}

requireCommands('sudo', 'unshare', 'setpriv', 'perl').each(sudoUsers)('as $name', (user) => {
  test.runIf(process.getuid?.() === 0)(
    "a group signal between the monitor's and the command's start reaches the command",
    async () => {
      using world = makeWorld(user);
      world.mount();
      const { prefix, open } = slowMonitor(world);
      const client = startClient(world, world.sh('echo ready; exec sleep 1000'), { user, prefix });
      await until(() => existsSync(pidFile(world)));
      const monitor = Number(readFileSync(pidFile(world), 'utf8'));
      client.signal('SIGSTOP');
      await until(() => !client.hasPendingSignals());
      client.signal('SIGTERM', 'group');
      open();
      await until(() => client.stdout() !== '' || (readStat(monitor)?.state ?? 'Z') === 'Z');
      const wasLost = client.stdout() !== '';
      client.signal('SIGCONT');
      if (wasLost) {
        // Nothing else would end it.
        await until(() => !client.hasPendingSignals());
        client.signal('SIGHUP');
      }
      const { outcome } = await client.end();
      expect(outcome).toEqual({ kind: 'exited', exitCode: 143, interrupted: true, receivedSignal: 'SIGTERM' });
    },
  );
});

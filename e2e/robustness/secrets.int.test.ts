import { globSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands } from '@cachelane/testkit';
import { expect, test } from 'vitest';
import { openWorld, type World } from '../cli.fixture.ts';

const secrets = ['s3cret-of-argument', 's3cret-of-environment', 's3cret-of-stdin'] as const;
const [ofArgument, ofEnvironment, ofStdin] = secrets;

/** Returns the files of the store and the reports that contain one of the secrets. */
function filesWithSecrets(world: World): readonly string[] {
  const paths = globSync(['store/**', 'reports/**', 'home/**', 'tmp/**'], { cwd: world.dir });
  return paths.filter((path) => {
    const file = join(world.dir, path);
    if (!statSync(file).isFile()) return false;
    const text = readFileSync(file, 'latin1');
    return secrets.some((secret) => text.includes(secret));
  });
}

requireCommands('bwrap', 'flock')('arguments, environment and input of the command', () => {
  test('are in no report, event, database or error', async () => {
    using world = openWorld({ env: { DEPLOY_TOKEN: ofEnvironment, GITHUB_TOKEN: ofEnvironment } });
    const command = (script: string): readonly string[] => ['sh', '-c', script, 'sh', `--token=${ofArgument}`];
    let said = '';
    const note = ({ stdout, stderr }: { stdout: string; stderr: string }): void => void (said += stdout + stderr);
    const run = async (script: string, ...options: readonly string[]): Promise<void> => {
      const argv = ['run', '--report', join(world.dir, 'reports/run.json'), '-v', 'data:data', ...options];
      note(await world.cachelane([...argv, '--', ...command(script)], { input: ofStdin }));
    };
    for (const reporter of ['plain', 'tty', 'json', 'github']) {
      await run(`echo ${reporter} > data/x; cat > /dev/null`, '--reporter', reporter);
      await run('exit 3', '--reporter', reporter);
      await run('sleep 1000 & exit 0', '--reporter', reporter);
    }
    for (const argv of [
      ['ls'],
      ['log', 'data'],
      ['explain', '--verbose', '-v', 'data:data'],
      ['context'],
      ['doctor'],
      ['gc'],
    ]) {
      note(await world.cachelane(argv));
      note(await world.cachelane([...argv, '--json']));
    }
    // Commands that do not start, impossible mounts, a broken store, and a bug.
    note(await world.cachelane(['run', '-v', 'data:data', '--', `/no/such/${'x'.repeat(5)}`, ofArgument]));
    note(await world.cachelane(['run', '-v', 'data:data', '--', '/etc/passwd', ofArgument]));
    note(await world.cachelane(['run', '-v', 'data:data', '--', 'true', ...Array<string>(9100).fill(ofArgument)]));
    await run('kill -KILL $$');
    for (const suffix of ['-wal', '-shm']) rmSync(join(world.store, `state.db${suffix}`));
    writeFileSync(join(world.store, 'state.db'), 'no database'.repeat(1000));
    await run('true');
    await run('true', '--strict');
    expect(said).toContain('is not a database');
    for (const secret of secrets) expect(said).not.toContain(secret);
    expect(filesWithSecrets(world)).toEqual([]);
    // The search finds a planted secret.
    writeFileSync(join(world.store, 'leak'), ofArgument);
    expect(filesWithSecrets(world)).toEqual(['store/leak']);
  });
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { requireCommands } from '@cachelane/testkit';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { openWorld, type Finished, type World } from '../cli.fixture.ts';

// A shell in the project's caches, with input from a pipe and from a terminal.

let world: World;
let project: string;

/** Runs `cachelane shell` with this input. */
async function shell(typed: string, ...options: readonly string[]): Promise<Finished> {
  const argv = ['shell', '-v', 'data:cache', ...options];
  return await world.cachelane(argv, { cwd: project, input: typed, env: { SHELL: '/bin/bash' } });
}

async function kept(): Promise<string> {
  const { stdout } = await world.run(['ls', 'cache'], { cwd: project, options: ['-v', 'data:cache', '--mode=read'] });
  return stdout.trimEnd().replaceAll('\n', ' ');
}

interface Terminal extends AsyncDisposable {
  type(line: string): void;
  press(key: string): void;
  /** Waits until the text is on the screen, after the previously awaited text. */
  shows(text: string): Promise<void>;
  readonly exitCode: Promise<number | null>;
}

/** Opens a terminal with script(1), which types what it reads from a pipe. */
function openTerminal(): Terminal {
  const line = [...inject('cachelaneProgram'), 'shell', '-v', 'data:cache'].join(' ');
  const script = spawn('script', ['--quiet', '--flush', '--return', '--command', line, '/dev/null'], {
    cwd: project,
    env: { ...world.env, SHELL: '/bin/bash', TERM: 'dumb' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let screen = '';
  let seen = 0;
  const waiting = new Set<() => void>();
  script.stdout.setEncoding('utf8').on('data', (more: string) => {
    screen += more;
    for (const look of waiting) look();
  });
  const exitCode = once(script, 'close').then(([code]) => code as number | null);
  return {
    exitCode,
    type: (text) => void script.stdin.write(`${text}\r`),
    press: (key) => void script.stdin.write(key),
    async shows(text) {
      await new Promise<void>((resolve, reject) => {
        const look = (): void => {
          const at = screen.indexOf(text, seen);
          if (at < 0) return;
          seen = at + text.length;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
        void exitCode.then(() => reject(new Error(`ended before it printed ${text}: ${screen}`)));
      });
    },
    async [Symbol.asyncDispose]() {
      script.kill('SIGKILL');
      await exitCode;
    },
  };
}

requireCommands(
  'bwrap',
  'bash',
  'script',
)('a shell', () => {
  beforeEach(() => {
    world = openWorld();
    project = world.project('web');
  });
  afterEach(() => world[Symbol.dispose]());

  test('has the volumes mounted, prints their paths, and saves at its end', async () => {
    await world.run(['sh', '-c', 'echo warm > cache/warm'], { cwd: project, options: ['-v', 'data:cache'] });
    const { namespace } = (await world.json(['context', '-C', project])) as { readonly namespace: string };
    const finished = await shell('cat cache/warm; echo in=$CACHELANE_SHELL; echo new > cache/new\n');
    expect(finished).toMatchObject({ code: 0, stdout: `warm\nin=${namespace}\n` });
    expect(finished.stderr).toContain(
      `/bin/bash with data of ${namespace} in place: what it changed is saved when it ends; leave it with exit`,
    );
    expect(await kept()).toBe('new warm');
  });

  test('saves also after its last command failed or was interrupted', async () => {
    expect(await shell('echo 1 > cache/one; false\n')).toMatchObject({ code: 1 });
    expect(await shell('echo 2 > cache/two; sh -c "kill -INT \\$\\$"\n')).toMatchObject({ code: 130 });
    expect(await kept()).toBe('one two');
  });

  test('saves nothing if it was killed, or if asked not to', async () => {
    expect(await shell('echo 1 > cache/killed; kill -KILL $$\n')).toMatchObject({ code: 137 });
    const never = await shell('echo 1 > cache/never\n', '--commit', 'never');
    expect(never.stderr).toContain('what it changes is not saved');
    await shell('echo 1 > cache/success; false\n', '--commit', 'success');
    expect(await kept()).toBe('');
  });

  test('with a command is a run', async () => {
    const argv = ['shell', '-q', '-v', 'data:cache', '--', 'sh', '-c', 'echo 1 > cache/$0; exit $1'];
    expect(await world.cachelane([...argv, 'bad', '3'], { cwd: project })).toMatchObject({ code: 3, stderr: '' });
    expect(await kept()).toBe('');
    expect(await world.cachelane([...argv, 'good', '0'], { cwd: project })).toMatchObject({ code: 0 });
    expect(await kept()).toBe('good');
  });

  test('at a terminal survives Ctrl-C and is saved afterwards', async () => {
    world.write({ 'home/.bashrc': "PS1='<prompt>'\n" });
    await using terminal = openTerminal();
    await terminal.shows('<prompt>');
    // Another process prints the line: bash's child loses a Ctrl-C that comes before its exec.
    terminal.type('echo 1 > cache/typed; sh -c \'echo wait""ing; exec sleep 1000\'');
    await terminal.shows('waiting');
    terminal.press('\x03');
    await terminal.shows('<prompt>');
    terminal.type('echo co""de=$?; sh -c "kill -INT \\$\\$"');
    await terminal.shows('code=130');
    await terminal.shows('<prompt>');
    terminal.press('\x04');
    expect(await terminal.exitCode).toBe(130);
    expect(await kept()).toBe('typed');
  });
});

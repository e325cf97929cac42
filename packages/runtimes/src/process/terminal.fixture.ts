import { spawn } from 'node:child_process';
import { compiledSources } from '@cachelane/testkit';
import { until } from './world.fixture.ts';

/** A program in a terminal. */
export interface Terminal extends AsyncDisposable {
  type(text: string): void;
  /** Waits until the output since the last match matches; returns the match. */
  shows(pattern: RegExp): Promise<RegExpExecArray>;
  /** All output so far. */
  screen(): string;
  /** Closes the terminal, like its window. */
  hangUp(): Promise<void>;
}

export const keys = { interrupt: '\x03', quit: '\x1c', suspend: '\x1a', enter: '\r' };

/** script(1) makes the terminal: its stdin is the keyboard, its stdout the screen. */
export async function openTerminal(cwd: string, command = 'bash --norc --noprofile -i'): Promise<Terminal> {
  const script = spawn('script', ['--quiet', '--flush', '--command', `exec ${command}`, '/dev/null'], {
    cwd,
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', PS1: '<prompt>', TERM: 'dumb', SHELL: '/bin/sh', ...compiledSources },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let screen = '';
  let seen = 0;
  let isClosed = false;
  const closed = Promise.withResolvers<void>();
  script.once('close', () => {
    isClosed = true;
    closed.resolve();
  });
  script.stdout.setEncoding('utf8').on('data', (text: string) => (screen += text));
  const hangUp = async (): Promise<void> => {
    // script(1) passes TERM on. After KILL, the kernel hangs up the terminal.
    script.kill('SIGKILL');
    await closed.promise;
  };
  const terminal: Terminal = {
    type: (text) => script.stdin.write(text),
    async shows(pattern) {
      const unseen = (): string => `${String(pattern)} on the screen after ${JSON.stringify(screen.slice(seen))}`;
      const found = await until(() => {
        const match = pattern.exec(screen.slice(seen));
        if (match === null && isClosed) throw new Error(`the terminal ended without ${unseen()}`);
        return match;
      }, unseen);
      seen += found.index + found[0].length;
      return found;
    },
    screen: () => screen,
    hangUp,
    [Symbol.asyncDispose]: hangUp,
  };
  if (command.endsWith(' -i')) await terminal.shows(/<prompt>/);
  return terminal;
}

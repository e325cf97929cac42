import { backgroundVariable, closeInherited } from '@cachelane/core';
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { printable } from '../base/format.ts';
import type { BackgroundProcess } from '../host/pieces.ts';

/** Starts one of our commands in the background, at the lowest priority. It outlives this process. */
export function startBackground({ program, words, homeDir, log, env, onEnd }: BackgroundProcess): void {
  const script = `${closeInherited}exec nice -n 19 "$@"`;
  // Appends, since another process may still write to it.
  const file = openSync(log, 'a', 0o600);
  const child = spawn('sh', ['-c', script, 'cachelane', ...program, ...words], {
    cwd: '/',
    detached: true,
    stdio: ['ignore', 'ignore', file],
    env: { ...env, CACHELANE_HOME: homeDir, [backgroundVariable]: homeDir },
  });
  closeSync(file);
  // Out of processes: the next run tries again.
  child.on('error', () => onEnd?.());
  child.once('exit', () => onEnd?.());
  child.unref();
}

const warning = 'warning: ';

/** Takes what background commands printed since the last call, as one line; null for nothing. `failed` and `warned` are prefixes. */
export function takeLog(
  log: string,
  { failed, warned }: { readonly failed: string; readonly warned: string },
): string | null {
  let text: string;
  try {
    text = readFileSync(log, 'utf8');
    if (text !== '') writeFileSync(log, '');
  } catch {
    return null;
  }
  const lines = text.split('\n').flatMap((line) => (line === '' ? [] : [printable(line.replace(/^cachelane: /, ''))]));
  const failure = lines.find((line) => !line.startsWith(warning));
  if (failure !== undefined) return `${failed}: ${failure}`;
  return lines[0] === undefined ? null : `${warned}: ${lines[0].slice(warning.length)}`;
}

import { closeSync, openSync } from 'node:fs';
import { type ChainOptions, commandChain, leaseHeld, leaseHeldCode } from '../chain/chain.ts';
import { openInputs } from '../chain/chain-inputs.ts';
import { startChild } from '../system/child.ts';

const reasonLength = 300;

/**
 * Runs the chain again with `true` as the command, and returns its complaint. In the first attempt stderr belongs to the command, since no
 * program of the chain can pass it to the command alone. So a failure prints bubblewrap's line there and costs a second attempt.
 */
export async function whyNotStarted(options: ChainOptions): Promise<string> {
  const chain = commandChain({ ...options, request: { ...options.request, argv: ['true'] } });
  if (chain === null) return 'unknown';
  const nowhere = openSync('/dev/null', 'w');
  try {
    using inputs = openInputs(chain, options);
    const child = await startChild([chain.file, ...chain.args], {
      cwd: '/',
      env: chain.env,
      stdio: ['ignore', 'ignore', 'pipe', nowhere, ...inputs.fds],
    });
    if ('error' in child) return child.error.code ?? child.error.message;
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
    const { code, signal } = await child.end();
    if (code === 0) return 'bubblewrap failed, but not in a second attempt';
    if (code === leaseHeldCode) return leaseHeld;
    return complaint(said) ?? `bubblewrap failed (${signal ?? `exit code ${String(code)}`}) and did not say why`;
  } finally {
    closeSync(nowhere);
  }
}

/** Returns the line of one of the tools in stderr, without internal details. */
export function complaint(stderr: string): string | null {
  const line = stderr.split('\n').find((text) => /^(\S*\/)?(bwrap|flock|(gnu)?env|unshare|mount): /.test(text));
  if (line === undefined) return null;
  return line
    .replace(/^\S*\//, '')
    .replace(' on (null)', '')
    .replace(/ with options .*(?=: )/, '')
    .replaceAll(/\/(newroot|oldroot)(?=\/)/g, '')
    .slice(0, reasonLength);
}

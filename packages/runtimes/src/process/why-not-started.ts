import { closeSync, openSync } from 'node:fs';
import { type ChainOptions, commandChain, leaseHeld, leaseHeldCode } from '../chain/chain.ts';
import { openInputs } from '../chain/chain-inputs.ts';
import { startChild } from '../system/child.ts';

const reasonLength = 300;

/**
 * Asks the chain once more, with `true` in place of the command, and returns what it complains about. The first attempt
 * had the command's own stderr, since nothing in the chain can give it to the command alone: a shell could, but drops or
 * changes variables on the way. So a failure shows bubblewrap's line there, and costs a second attempt here.
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

/** The line of one of our tools among what was written to stderr, without what only a reader of its source understands. */
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

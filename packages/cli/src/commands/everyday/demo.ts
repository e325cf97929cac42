import { CachelaneError, didYouMean, type NodeSignal } from '@cachelane/core';
import { defineCommand, type Command } from '../../host/command.ts';
import { organisationDirectory, tellOrganisation } from '../../demo/organisation.ts';
import { openPlayground } from '../../demo/playground.ts';
import { projects, tell } from '../../demo/story.ts';
import { NotAsTold, openTeller, type Teller } from '../../demo/teller.ts';
import { exitCodeOfSignal, exitCodes } from '../../base/exit-codes.ts';
import { printable } from '../../base/format.ts';
import type { Host } from '../../host/host.ts';

export const demo: Command = defineCommand({
  name: 'demo',
  summary: 'play an example in temporary directories',
  examples: ['cachelane demo', 'cachelane demo organisation'],
  details: [
    'Runs cachelane with plain sh commands in a temporary directory (below TMPDIR) with its own home and store, and removes it afterwards. Reads and writes none of your volumes, and needs no network.',
    'cachelane demo shows two projects. cachelane demo organisation plays examples/organisation/README.md of a clone: it shows which caches the teams and projects of an organisation share.',
    'Checks every step, and exits with code 1 if a result differs from the story.',
  ],
  options: {},
  operands: [{ name: 'STORY', optional: true, help: 'organisation; default: the plain story' }],
  async run({ operands }, host) {
    const end = await play(host, storyCalled(operands.STORY, host));
    if (end.stoppedBy !== null) {
      host.signals.dieOf(end.stoppedBy);
      return exitCodeOfSignal(end.stoppedBy);
    }
    if (end.problem !== null) {
      host.stderr.write(problemText(end.problem));
      return exitCodes.failure;
    }
    host.stdout.write('\nEvery step gave the expected result. The temporary directories are removed.\n');
    return exitCodes.ok;
  },
});

interface Story {
  /** See `PlaygroundOptions`. */
  readonly projects: readonly string[] | string;
  tell(teller: Teller): Promise<void>;
}

/** Errors: E_USAGE, E_NOT_FOUND. */
function storyCalled(name: string | undefined, host: Host): Story {
  if (name === undefined) return { projects, tell };
  if (name !== 'organisation') {
    throw new CachelaneError('E_USAGE', `there is no story ${printable(name)}${didYouMean(name, ['organisation'])}`, {
      hint: 'use cachelane demo or cachelane demo organisation',
    });
  }
  const directory = organisationDirectory(host);
  return { projects: directory, tell: async (teller) => await tellOrganisation(teller, directory) };
}

interface End {
  readonly stoppedBy: NodeSignal | null;
  readonly problem: NotAsTold | null;
}

/** Plays a story. The directories are removed when it returns. */
async function play(host: Host, story: Story): Promise<End> {
  const controller = new AbortController();
  let stoppedBy: NodeSignal | null = null;
  using ears = new DisposableStack();
  ears.defer(
    host.signals.listen((signal) => {
      stoppedBy ??= signal;
      controller.abort();
    }),
  );
  using playground = openPlayground(host, { projects: story.projects, abort: controller.signal });
  try {
    await story.tell(openTeller(host.stdout, playground));
    return { stoppedBy, problem: null };
  } catch (error) {
    // After a signal, failed steps are expected.
    if (stoppedBy !== null) return { stoppedBy, problem: null };
    if (error instanceof NotAsTold) return { stoppedBy, problem: error };
    throw error;
  }
}

function problemText({ message }: NotAsTold): string {
  const hint = 'cachelane doctor checks whether runs can use caches here; TMPDIR sets the directory of the demo';
  return `cachelane: unexpected result: ${message.split('\n').map(printable).join('\n  ')}\n  ${hint}\n`;
}

import { chooseRemote, type RemoteChoice } from '../remotes/choose-remote.ts';
import type { Host } from '../host/host.ts';

interface Question {
  /** That of the engine, with the environment of a program. */
  readonly host: Host;
  /** Real path of the engine's home. */
  readonly homeDir: string;
  readonly choice: RemoteChoice;
}

const own = 'an engine of its own would have it: cachelane serve -- PROGRAM';

/** An engine has one remote, which whoever started it chose; a program that says something else is told so, one sentence each. */
export async function ignoredRemote({ host, homeDir, choice }: Question): Promise<readonly string[]> {
  const { CACHELANE_REMOTE: remote, CACHELANE_PUSH: push } = host.env;
  if (remote === undefined && push === undefined) return [];
  const env = { ...host.env, CACHELANE_HOME: homeDir };
  const wanted = await chooseRemote({ ...host, env }, { address: undefined, push: undefined });
  const warnings: string[] = [];
  if (remote !== undefined && wanted.address !== choice.address) {
    const has = choice.address === null ? 'no remote' : `the remote ${choice.address}`;
    warnings.push(`the program's CACHELANE_REMOTE does not count: the engine has ${has} (${choice.source}); ${own}`);
  } else if (
    isSaid(push) &&
    choice.address !== null &&
    wanted.address !== null &&
    wanted.pushMode !== choice.pushMode
  ) {
    warnings.push(
      `the program's CACHELANE_PUSH does not count: the engine pushes ${choice.pushMode} (${choice.pushSource}); ${own}`,
    );
  }
  return warnings;
}

function isSaid(text: string | undefined): boolean {
  return text !== undefined && text !== '';
}

import { chooseRemote, noRemoteText, type RemoteChoice } from '../remotes/choose-remote.ts';
import type { Host } from '../host/host.ts';

interface Question {
  /** The engine's host with the environment of a program. */
  readonly host: Host;
  /** Real path of the engine's home. */
  readonly homeDir: string;
  readonly choice: RemoteChoice;
}

const own = 'to change that, give the program its own engine: cachelane serve -- PROGRAM';

/** Returns a warning for each remote setting of a program that the engine ignores, because the engine has one remote. */
export async function ignoredRemote({ host, homeDir, choice }: Question): Promise<readonly string[]> {
  const { CACHELANE_REMOTE: remote, CACHELANE_PUSH: push } = host.env;
  if (remote === undefined && push === undefined) return [];
  const env = { ...host.env, CACHELANE_HOME: homeDir };
  const wanted = await chooseRemote({ ...host, env }, { address: undefined, push: undefined });
  const warnings: string[] = [];
  if (remote !== undefined && wanted.address !== choice.address) {
    const has = choice.address === null ? noRemoteText(choice) : `the remote ${choice.address} (${choice.source})`;
    warnings.push(`the engine ignores the program's CACHELANE_REMOTE and uses ${has}; ${own}`);
  } else if (
    isSaid(push) &&
    choice.address !== null &&
    wanted.address !== null &&
    wanted.pushMode !== choice.pushMode
  ) {
    warnings.push(
      `the engine ignores the program's CACHELANE_PUSH and pushes ${choice.pushMode} (${choice.pushSource}); ${own}`,
    );
  }
  return warnings;
}

function isSaid(text: string | undefined): boolean {
  return text !== undefined && text !== '';
}

import { CachelaneError, didYouMean, isCachelaneError, limits } from '@cachelane/core';
import { pushModes, type PushMode } from '@cachelane/engine';
import { locateHome } from '../home/home.ts';
import type { Host } from '../host/host.ts';
import { isWithin, realPathOf } from '../base/mount-points.ts';
import { platformName } from '../platforms/platforms.ts';
import { isNoRemote, parseWait, type RemoteFlags } from './remote-flags.ts';
import { readUserConfig } from '../config/user-config.ts';
import type { UserConfig } from '../config/config-types.ts';

export interface RemoteProblem {
  readonly error: CachelaneError;
  /** What comes of it, a clause. */
  readonly consequence: string;
}

/** Which remote a command has, and who said so. Nothing of a project's own files has a say. */
export interface RemoteChoice {
  /** In its one spelling; null: none. */
  readonly address: string | null;
  /** For people: `--remote`, `CACHELANE_REMOTE`, `/home/ann/.config/cachelane/config.yaml:1`. */
  readonly source: string;
  /** `never` where there is no remote. */
  readonly pushMode: PushMode;
  readonly pushSource: string;
  /** How long a run waits for it at its start, and again at its end. */
  readonly waitMs: number;
  /** What somebody wrote and cannot be meant: it lowers what is shared, and fails a strict command. */
  readonly problems: readonly RemoteProblem[];
}

interface Asking {
  readonly host: Host;
  readonly flags: RemoteFlags;
  readonly problems: RemoteProblem[];
  /** Undefined where it cannot be used, which is told then; read once. */
  readonly file: () => Promise<UserConfig | null | undefined>;
}

/** Flag over environment over the user's file over the default. Nothing is opened, and nothing of what is wrong is thrown. */
export async function chooseRemote(host: Host, flags: RemoteFlags): Promise<RemoteChoice> {
  const problems: RemoteProblem[] = [];
  let reading: Promise<UserConfig | null | undefined> | undefined;
  const read = (consequence: string): Promise<UserConfig | null | undefined> =>
    (reading ??= readFile(host, { problems, consequence }));
  const file = async (): Promise<UserConfig | null | undefined> =>
    await read('nothing of it counts, and nothing is sent to a remote');
  const choice = await chosen({ host, flags, problems, file });
  // What it says of providers and sizes does not count either, whoever decided about the remote.
  await read('nothing of it counts');
  return choice;
}

async function chosen(asking: Asking): Promise<RemoteChoice> {
  const { problems } = asking;
  const { address, source } = outsideHome(asking, await chooseAddress(asking));
  if (address === null) {
    const push: Push = { pushMode: 'never', pushSource: 'there is no remote' };
    return { address, source, ...push, waitMs: chooseWait(asking), problems };
  }
  return { address, source, ...(await choosePush(asking)), waitMs: chooseWait(asking), problems };
}

interface Reading {
  readonly problems: RemoteProblem[];
  readonly consequence: string;
}

async function readFile(host: Host, { problems, consequence }: Reading): Promise<UserConfig | null | undefined> {
  try {
    return await readUserConfig(host);
  } catch (error) {
    if (!isCachelaneError(error, 'E_CONFIG')) throw error;
    problems.push({ error, consequence });
    return undefined;
  }
}

interface Address {
  readonly address: string | null;
  readonly source: string;
}

async function chooseAddress(asking: Asking): Promise<Address> {
  const { host, flags, file } = asking;
  if (flags.address !== undefined) {
    return { address: flags.address, source: flags.address === null ? '--no-remote' : '--remote' };
  }
  const variable = host.env['CACHELANE_REMOTE'];
  if (variable !== undefined) return await spelled(asking, { text: variable, source: 'CACHELANE_REMOTE' });
  const config = await file();
  const remote = config?.remote ?? null;
  if (config === undefined) return { address: null, source: 'your configuration cannot be used' };
  if (config === null || remote === null) return { address: null, source: 'nobody named one' };
  return await spelled(asking, { text: remote.value, source: `${config.path}:${remote.line}` });
}

/** A store that is its own remote would take what others left there for its own, and collect it. */
function outsideHome({ host, problems }: Asking, chosen: Address): Address {
  const { address, source } = chosen;
  if (address === null || !address.startsWith('dir:')) return chosen;
  const [home, dir] = [locateHome(host).path, address.slice('dir:'.length)].map(realPathOf) as [string, string];
  if (!isWithin(dir, home)) return chosen;
  const error = new CachelaneError('E_CONFIG', `${source}: ${address} is the store of this machine itself`, {
    hint: 'use a directory of its own, outside of it',
  });
  problems.push({ error, consequence: 'nothing is shared with other machines' });
  return { address: null, source };
}

interface Written {
  readonly text: string;
  readonly source: string;
}

async function spelled({ host, problems }: Asking, { text, source }: Written): Promise<Address> {
  if (isNoRemote(text)) return { address: null, source };
  try {
    return { address: await host.pieces.nameRemote(text), source };
  } catch (error) {
    if (!isCachelaneError(error, 'E_CONFIG')) throw error;
    problems.push({ error: inPlace(error, source), consequence: 'nothing is shared with other machines' });
    return { address: null, source };
  }
}

function inPlace({ message, hint, cause }: CachelaneError, source: string): CachelaneError {
  return new CachelaneError('E_CONFIG', `${source}: ${message}`, { cause, ...(hint === undefined ? {} : { hint }) });
}

type Push = Pick<RemoteChoice, 'pushMode' | 'pushSource'>;

/** What cannot be read may have said never: nothing is sent then. */
async function choosePush({ host, flags, file, problems }: Asking): Promise<Push> {
  if (flags.push !== undefined) return { pushMode: flags.push, pushSource: '--push' };
  const variable = host.env['CACHELANE_PUSH'];
  if (variable !== undefined && variable !== '') {
    const mode = pushModes.find((each) => each === variable.toLowerCase());
    if (mode === undefined) problems.push(unknownMode(variable));
    return { pushMode: mode ?? 'never', pushSource: 'CACHELANE_PUSH' };
  }
  const config = await file();
  if (config === undefined) return { pushMode: 'never', pushSource: 'your configuration cannot be used' };
  if (config !== null && config.push !== null) {
    return { pushMode: config.push.value, pushSource: `${config.path}:${config.push.line}` };
  }
  // A job's machine is often gone a moment later, and whatever is still on its way with it.
  const platform = platformName(host.env);
  return platform === null
    ? { pushMode: 'background', pushSource: 'no CI system was detected' }
    : { pushMode: 'wait', pushSource: `this is ${platform}` };
}

function chooseWait({ host, flags, problems }: Asking): number {
  if (flags.waitMs !== undefined) return flags.waitMs;
  const name = 'CACHELANE_REMOTE_TIMEOUT';
  const variable = host.env[name];
  try {
    return parseWait(name, variable === '' ? undefined : variable) ?? limits.remoteWaitMs;
  } catch (error) {
    if (!isCachelaneError(error, 'E_USAGE')) throw error;
    const problem = new CachelaneError('E_CONFIG', error.message, { hint: error.hint ?? 'as in 30, or 0.5' });
    problems.push({ error: problem, consequence: `a run waits ${limits.remoteWaitMs / 1000} s` });
    return limits.remoteWaitMs;
  }
}

function unknownMode(text: string): RemoteProblem {
  const said = `CACHELANE_PUSH is one of ${pushModes.join(', ')}, not ${JSON.stringify(text.slice(0, 80))}`;
  const error = new CachelaneError('E_CONFIG', said + didYouMean(text, pushModes), { hint: 'set it to one of them' });
  return { error, consequence: 'nothing is sent to the remote' };
}

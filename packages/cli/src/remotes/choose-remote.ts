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
  /** The effect, as a clause. */
  readonly consequence: string;
}

/** The source of a remote that is set nowhere. */
const noRemoteSet = 'no remote is set';

/** Says why there is no remote. */
export function noRemoteText({ source }: Pick<RemoteChoice, 'source'>): string {
  return source === noRemoteSet ? source : `no remote (${source})`;
}

/** A command's remote and its source. Project files have no influence. */
export interface RemoteChoice {
  /** The normalized address; null for none. */
  readonly address: string | null;
  /** For messages: `--remote`, `CACHELANE_REMOTE`, `/home/ann/.config/cachelane/config.yaml:1`. */
  readonly source: string;
  /** `never` without a remote. */
  readonly pushMode: PushMode;
  readonly pushSource: string;
  /** How long a run waits for it at its start, and again at its end. */
  readonly waitMs: number;
  /** Invalid settings. They reduce sharing, and fail a strict command. */
  readonly problems: readonly RemoteProblem[];
}

interface Asking {
  readonly host: Host;
  readonly flags: RemoteFlags;
  readonly problems: RemoteProblem[];
  /** Reads the file once; undefined if it is unusable, which is then a problem. */
  readonly file: () => Promise<UserConfig | null | undefined>;
}

/** Precedence: flag, environment, user's file, default. Opens nothing; invalid settings are returned as problems. */
export async function chooseRemote(host: Host, flags: RemoteFlags): Promise<RemoteChoice> {
  const problems: RemoteProblem[] = [];
  let reading: Promise<UserConfig | null | undefined> | undefined;
  const read = (consequence: string): Promise<UserConfig | null | undefined> =>
    (reading ??= readFile(host, { problems, consequence }));
  const file = async (): Promise<UserConfig | null | undefined> =>
    await read('the file is ignored, and nothing is pushed');
  const choice = await chosen({ host, flags, problems, file });
  // The file also sets providers and sizes, so report it even if another source names the remote.
  await read('the file is ignored');
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
  if (config === undefined) return { address: null, source: 'your configuration is unusable' };
  if (config === null || remote === null) return { address: null, source: noRemoteSet };
  return await spelled(asking, { text: remote.value, source: `${config.path}:${remote.line}` });
}

/** A store as its own remote would collect layers of others. */
function outsideHome({ host, problems }: Asking, chosen: Address): Address {
  const { address, source } = chosen;
  if (address === null || !address.startsWith('dir:')) return chosen;
  const [home, dir] = [locateHome(host).path, address.slice('dir:'.length)].map(realPathOf) as [string, string];
  if (!isWithin(dir, home)) return chosen;
  const error = new CachelaneError('E_CONFIG', `${source}: ${address} is the store of this machine`, {
    hint: 'use a directory outside the store',
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

/** An unreadable setting may have been `never`, so nothing is pushed. */
async function choosePush({ host, flags, file, problems }: Asking): Promise<Push> {
  if (flags.push !== undefined) return { pushMode: flags.push, pushSource: '--push' };
  const variable = host.env['CACHELANE_PUSH'];
  if (variable !== undefined && variable !== '') {
    const mode = pushModes.find((each) => each === variable.toLowerCase());
    if (mode === undefined) problems.push(unknownMode(variable));
    return { pushMode: mode ?? 'never', pushSource: 'CACHELANE_PUSH' };
  }
  const config = await file();
  if (config === undefined) return { pushMode: 'never', pushSource: 'your configuration is unusable' };
  if (config !== null && config.push !== null) {
    return { pushMode: config.push.value, pushSource: `${config.path}:${config.push.line}` };
  }
  // A CI machine may end right after the job, with any background push.
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
  const said = `CACHELANE_PUSH must be one of ${pushModes.join(', ')}, not ${JSON.stringify(text.slice(0, 80))}`;
  const error = new CachelaneError('E_CONFIG', said + didYouMean(text, pushModes), { hint: 'set it to one of them' });
  return { error, consequence: 'nothing is pushed' };
}

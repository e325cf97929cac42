import {
  asCachelaneError,
  checkRemote,
  digestOf,
  newAttempt,
  parseRemoteKey,
  type ObjectSource,
  type Remote,
} from '@cachelane/core';
import { readRemoteId } from '@cachelane/engine';
import { chooseRemote, noRemoteText, type RemoteChoice } from '../remotes/choose-remote.ts';
import type { Check } from './check.ts';
import { nextStep } from '../base/error-text.ts';
import { followedBy } from '../base/followed-by.ts';
import { formatDuration } from '../base/format.ts';
import type { Host } from '../host/host.ts';
import type { RemoteFlags } from '../remotes/remote-flags.ts';

// The checks of the remote. Runs use local caches if it does not work.

/** A person waits, so a request is repeated only once. */
const attempts = 2;
/** A run reads one head per volume and lane before its command starts. */
const slowMs = 1000;
/** S3 and file systems report whole seconds. Signed requests fail at a difference of 15 minutes. */
const skewMs = 60_000;

export function isRemoteCheck({ name }: Check): boolean {
  return name.startsWith('remote');
}

export interface RunRights {
  /** Whether a run here may save. */
  readonly canWrite: boolean;
}

/** Returns the checks of the remote. Never throws. No remote is no problem. */
export async function examineRemote(
  host: Host,
  flags: RemoteFlags,
  { canWrite }: RunRights,
): Promise<readonly Check[]> {
  const choice = await chooseRemote(host, flags);
  const checks = choice.problems.map(({ error, consequence }): Check => ({
    name: 'remote',
    status: choice.address === null ? 'fail' : 'warn',
    detail: followedBy(error.message, consequence),
    mend: error.hint ?? null,
  }));
  if (choice.address === null) {
    if (checks.length === 0) checks.push(check('remote', noRemoteText(choice)));
    return checks;
  }
  const { address, source, pushMode, pushSource } = choice;
  checks.push(check('remote', `${address}, by ${source}; pushes ${pushMode}: ${pushSource}`, address));
  return [...checks, ...(await examineOpened(host, { ...choice, address, canWrite }))];
}

function check(name: string, detail: string, brief?: string): Check {
  return { name, status: 'ok', detail, mend: null, ...(brief === undefined ? {} : { brief }) };
}

function failed(name: string, error: unknown): Check {
  const { code, message, hint } = asCachelaneError(error);
  return { name, status: 'fail', detail: message, mend: hint ?? nextStep(code) ?? otherRemote };
}

const otherRemote = 'use another remote, or none: --no-remote, CACHELANE_REMOTE=none';

interface Opened {
  readonly host: Host;
  readonly remote: Remote;
  readonly signal: AbortSignal;
  readonly canWrite: boolean;
}

async function examineOpened(
  host: Host,
  { address, pushMode, canWrite }: RemoteChoice & RunRights & { readonly address: string },
): Promise<readonly Check[]> {
  const { pieces, clock, random } = host;
  const { signal } = new AbortController();
  try {
    await using remote = await pieces.openRemote({ address, clock, random, attempts });
    const opened: Opened = { host, remote, signal, canWrite };
    const reading = await readingOf(opened);
    if (reading.status === 'fail') return [reading];
    if (pushMode === 'never') return [reading, check('remote write', 'not tried: nothing is pushed')];
    return [reading, ...(await writingOf(opened))];
  } catch (error) {
    return [failed('remote read', error)];
  }
}

/** The first read finds credentials and opens the connection. The second one is timed. */
async function readingOf({ host: { clock, random }, remote, signal }: Opened): Promise<Check> {
  const name = 'remote read';
  const key = parseRemoteKey(`check/${newAttempt(random.bytes(16))}`);
  try {
    await readRemoteId(remote, signal);
    const startMs = clock.monotonicMs();
    await remote.heads.read(key, signal);
    const tookMs = clock.monotonicMs() - startMs;
    const detail = `it answers; a head is read in ${formatDuration(tookMs)}`;
    if (tookMs < slowMs) return check(name, detail, formatDuration(tookMs));
    return { name, status: 'warn', detail, mend: 'use a nearer remote: each run waits for several such reads' };
  } catch (error) {
    return failed(name, error);
  }
}

const wellWritten = 'permitted, and two machines that move one head at once lose nothing';

/** Credentials that can write also let other programs write. */
function strangerMayWrite(name: string): Check {
  return {
    name,
    status: 'warn',
    detail:
      'runs here may not save, but their credentials can write: anyone who changes the job can overwrite the remote',
    mend: 'give such jobs read-only credentials or none',
  };
}

async function writingOf({ host, remote, signal, canWrite }: Opened): Promise<readonly Check[]> {
  const name = 'remote write';
  const { clock, random } = host;
  try {
    await checkRemote(remote, random, signal);
    const storedAtMs = await storeOnce(remote, signal);
    const written = canWrite ? check(name, wellWritten, 'permitted') : strangerMayWrite(name);
    return storedAtMs === null ? [written] : [written, clockOf(storedAtMs, clock.nowMs())];
  } catch (error) {
    const problem = asCachelaneError(error);
    if (problem.code !== 'E_REMOTE_READ_ONLY') return [failed(name, error)];
    if (!canWrite) return [check(name, 'not permitted, which is right for runs that may not save')];
    // Right for readers, which should then not try to push.
    const mend = `${problem.hint ?? 'give the permission to write'} (push: never, CACHELANE_PUSH=never)`;
    return [{ name, status: 'warn', detail: `${problem.message}: runs read from it and save locally`, mend }];
  }
}

const objectKey = parseRemoteKey('check/object');
const content = new TextEncoder().encode('cachelane doctor\n');
const object: ObjectSource = {
  sizeBytes: content.length,
  digest: digestOf(content),
  async *read() {
    yield content;
  },
};

/**
 * Stores one object and returns the remote's time of it; null if it existed. The object is always the same, so that clients without the right to
 * delete leave only one. Throws if objects cannot be stored and found.
 */
async function storeOnce({ objects }: Remote, signal: AbortSignal): Promise<number | null> {
  const { kind } = await objects.put(objectKey, object, signal);
  const stat = await objects.stat(objectKey, signal);
  try {
    await objects.remove(objectKey, signal);
  } catch {
    // Runs need no right to delete.
  }
  return kind === 'stored' ? (stat?.storedAtMs ?? null) : null;
}

function clockOf(storedAtMs: number, nowMs: number): Check {
  const name = 'remote clock';
  const apartMs = Math.abs(nowMs - storedAtMs);
  if (apartMs < skewMs) return check(name, 'as here');
  const detail = `${formatDuration(apartMs)} ${nowMs > storedAtMs ? 'behind' : 'ahead of'} this machine's`;
  return {
    name,
    status: 'warn',
    detail,
    mend: 'correct the wrong clock: signatures and lifetimes depend on it',
  };
}

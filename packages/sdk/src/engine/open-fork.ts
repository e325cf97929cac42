import { attachRequests, requireSeconds } from '../volume/attach-requests.ts';
import type { Attachable } from '../volume/cache-volume.ts';
import type { Connection } from '../connection/connection.ts';
import type { AttachOptions } from './engine.ts';
import { CachelaneError, isCachelaneError } from '../errors/errors.ts';
import type { Fork } from './fork.ts';
import { attach, commit, discard } from '../generated/operations.ts';
import type { ForkedVolume, ForkFacts } from '../generated/results.ts';
import { LostAnswerError } from '../errors/lost-answer-error.ts';
import { newKey } from '../volume/new-key.ts';
import { askedOf, sourceInput } from '../volume/open-volume.ts';

/** See `Engine.attach`. */
export async function openFork(
  connection: Connection,
  asked: readonly Attachable[],
  { lockTimeoutSeconds, samePath, signal }: AttachOptions,
): Promise<Fork> {
  const requests = attachRequests(asked);
  requireSeconds(lockTimeoutSeconds);
  const volumes = await Promise.all(
    requests.map(async ({ volume, sharing, source, mode }) => {
      const asked = askedOf(volume);
      return {
        volume: await volume.id({ signal }),
        sharing: sharing ?? asked.sharing,
        source: await sourceInput(source ?? asked.source, { signal }),
        mode,
      };
    }),
  );
  const hold = await connection.hold();
  try {
    const { attach: facts } = await connection.ask(
      attach,
      { volumes, lockTimeoutSeconds, samePath, key: newKey() },
      signal,
    );
    if (facts === null) throw new CachelaneError('E_INTERNAL', 'the engine attached nothing');
    const variables = requests.map(({ variable }) => variable);
    return forkOf(connection, { facts, variables, hold });
  } catch (error) {
    hold[Symbol.dispose]();
    throw error;
  }
}

interface Forked {
  readonly facts: ForkFacts;
  /** The variable that each request names. */
  readonly variables: readonly (string | undefined)[];
  /** Keeps the session alive while the fork is open. */
  readonly hold: Disposable;
}

function forkOf(connection: Connection, { facts: { id, run, volumes }, variables, hold }: Forked): Fork {
  let hasEnded = false;
  /** Whether an engine may have begun to save. */
  let wasAsked = false;
  const end = (): void => {
    hasEnded = true;
    hold[Symbol.dispose]();
  };
  const fork: Fork = {
    id,
    run,
    volumes,
    get directory() {
      const [only] = volumes;
      if (only !== undefined && volumes.length === 1) return only.directory;
      throw new CachelaneError('E_USAGE', `the fork has ${volumes.length} directories`, { hint: 'look at volumes' });
    },
    get environment() {
      return environmentOf(volumes, variables);
    },
    async commit({ exitCode = 0, signal } = {}) {
      try {
        const { commit: saved } = await connection.ask(commit, { fork: id, exitCode }, signal);
        end();
        return saved ?? [];
      } catch (error) {
        const isGone = isCachelaneError(error, 'E_ENGINE_GONE') && !(error instanceof LostAnswerError);
        if (isGone) throw wasAsked ? new LostAnswerError(error, { key: null, fork: id }) : endedWith(error);
        wasAsked = true;
        throw error;
      }
    },
    async discard({ signal } = {}) {
      if (hasEnded) return;
      await connection.ask(discard, { fork: id }, signal);
      end();
    },
    async [Symbol.asyncDispose]() {
      try {
        await fork.discard();
      } catch (error) {
        // The fork ends with its session and engine. The earlier error is the one to report.
        if (!isCachelaneError(error, 'E_ENGINE_GONE', 'E_ABORTED')) throw error;
      } finally {
        end();
      }
    },
  };
  return fork;
}

/** Returns the error for a fork whose engine ended before the first request. */
function endedWith(error: CachelaneError): CachelaneError {
  return new CachelaneError(
    'E_ENGINE_GONE',
    `${error.message}; the fork ended with its engine, and none of it was saved`,
    { hint: 'attach again with a running engine and repeat the changes', cause: error },
  );
}

function environmentOf(
  volumes: readonly ForkedVolume[],
  variables: readonly (string | undefined)[],
): Readonly<Record<string, string>> {
  const all: Record<string, string> = {};
  for (const [index, { key, directory, environment }] of volumes.entries()) {
    const variable = variables[index];
    const own = variable === undefined ? environment : [...environment, { name: variable, value: directory }];
    for (const { name, value } of own) {
      if (Object.hasOwn(all, name) && all[name] !== value) {
        throw new CachelaneError('E_USAGE', `${name} would have to point to ${key} and to another volume`, {
          hint: 'attach them in separate forks',
        });
      }
      all[name] = value;
    }
  }
  return all;
}

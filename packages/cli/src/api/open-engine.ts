import { openApi, type Api, type CallerPlace } from '@cachelane/api';
import { isCachelaneError } from '@cachelane/core';
import { followedBy } from '../base/followed-by.ts';
import type { Host } from '../host/host.ts';
import { openChosenRemote } from '../remotes/open-chosen-remote.ts';
import { runPolicy } from '../config/run-policy.ts';
import { homeOf, openStore } from '../home/store.ts';
import { warn } from '../host/warn.ts';
import { apiWorld } from './api-world.ts';
import { enginePushes } from './engine-pushes.ts';

export interface EngineRequest {
  /** The place for requests without a session. */
  readonly place: CallerPlace;
  readonly signal: AbortSignal;
  /** Whether the engine is opened for one question. */
  readonly endsWithAnswer?: boolean;
}

/** The API over this process's home. Disposal discards forks that clients left and closes the home. */
export interface Engine extends AsyncDisposable {
  readonly api: Api;
  /** Errors: E_HOME_UNUSABLE if the opened home no longer exists. */
  checkHome(): Promise<void>;
}

/** Errors: those of opening the home and its metadata. */
export async function openEngine(
  host: Host,
  { place, signal, endsWithAnswer = false }: EngineRequest,
): Promise<Engine> {
  await using opening = new AsyncDisposableStack();
  const homeDir = homeOf(host);
  /** Problems of a named but unusable remote. Programs see them too, since the engine's output may be hidden. */
  const remoteProblems: string[] = [];
  const remote = opening.use(
    await openChosenRemote(host, {
      flags: { address: undefined, push: undefined },
      strict: false,
      warn: ({ error, consequence }) => {
        const text = followedBy(error.message, consequence);
        warn(host, text);
        remoteProblems.push(text);
      },
    }),
  );
  const pushes = opening.use(enginePushes());
  const store = opening.use(await openStore(host, signal, homeDir));
  const [tools, runtime, policy] = await Promise.all([
    host.pieces.loadTools(),
    host.pieces.openRuntime(),
    runPolicy(host),
  ]);
  const api = opening.use(
    openApi(
      apiWorld({
        host,
        store,
        homeDir,
        tools,
        runtime,
        remote,
        remoteProblems,
        pushes,
        policy,
        signal,
        endsWithAnswer,
      }),
      place,
    ),
  );
  const open = opening.move();
  return {
    api,
    checkHome: async () => void (await store.metadata.listPolicies(signal)),
    [Symbol.asyncDispose]: async () => {
      try {
        await open.disposeAsync();
      } catch (error) {
        // The clients' forks are gone with the home; they get an error.
        if (!isHomeGone(error)) throw error;
      }
    },
  };
}

function isHomeGone(error: unknown): boolean {
  if (error instanceof SuppressedError) return isHomeGone(error.error) && isHomeGone(error.suppressed);
  return isCachelaneError(error, 'E_HOME_UNUSABLE');
}

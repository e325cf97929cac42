import { openApi, type Api, type CallerPlace } from '@cachelane/api';
import { followedBy } from '../followed-by.ts';
import type { Host } from '../host.ts';
import { openChosenRemote } from '../open-chosen-remote.ts';
import { runPolicy } from '../run-policy.ts';
import { homeOf, openStore } from '../store.ts';
import { warn } from '../warn.ts';
import { apiWorld } from './api-world.ts';

export interface EngineRequest {
  /** Whoever asks without a session asks as of here. */
  readonly place: CallerPlace;
  readonly signal: AbortSignal;
}

/** The API over the home of this process. Disposed of, it discards what clients left, and closes the home. */
export interface Engine extends AsyncDisposable {
  readonly api: Api;
}

/** Errors: those of the home, and of opening the metadata. */
export async function openEngine(host: Host, { place, signal }: EngineRequest): Promise<Engine> {
  await using opening = new AsyncDisposableStack();
  const homeDir = homeOf(host);
  const remote = opening.use(
    await openChosenRemote(host, {
      flags: { address: undefined, push: undefined },
      strict: false,
      warn: ({ error, consequence }) => warn(host, followedBy(error.message, consequence)),
    }),
  );
  const store = opening.use(await openStore(host, signal, homeDir));
  const [tools, runtime, policy] = await Promise.all([
    host.pieces.loadTools(),
    host.pieces.openRuntime(),
    runPolicy(host),
  ]);
  const api = opening.use(openApi(apiWorld({ host, store, homeDir, tools, runtime, remote, policy, signal }), place));
  const open = opening.move();
  return { api, [Symbol.asyncDispose]: async () => await open.disposeAsync() };
}

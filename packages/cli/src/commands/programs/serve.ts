import type { ApiServer, CallerPlace, ListenAt } from '@cachelane/api';
import { CachelaneError, isCachelaneError, parseNamespace } from '@cachelane/core';
import { protocolVersion } from '@cachelane/protocol';
import { parseSeconds } from '../../base/choice-argument.ts';
import { defineCommand, jsonOption, projectOptions, type Command } from '../../host/command.ts';
import { exitCodes } from '../../base/exit-codes.ts';
import type { Host } from '../../host/host.ts';
import { claimSocket, type SocketClaim } from '../../serve/claim-socket.ts';
import { watchHome } from '../../serve/watch-home.ts';
import { anyPort, placeToListen } from '../../serve/engine-place.ts';
import { runUnderEngine } from '../../serve/run-under-engine.ts';
import { homeOf } from '../../home/store.ts';
import { whereToRun } from '../../host/working-directory.ts';

/** How long an engine waits for its first client, and after the last one. */
const idleMs = { first: 60_000, grace: 10_000 };

export const serve: Command = defineCommand({
  name: 'serve',
  summary: 'serve GraphQL to programs',
  examples: ['cachelane serve', 'cachelane serve --listen 127.0.0.1:0 -- npm test'],
  details: [
    'Opens the caches once and answers POST /query until its last client leaves. Listens on a unix socket that only you can connect to: one for each home, or PATH. On a local port, clients need the token that --json prints.',
    'With a command, runs it and exits with its code. The command finds the engine through CACHELANE_ENGINE and CACHELANE_ENGINE_TOKEN; Dagger clients use DAGGER_SESSION_PORT and DAGGER_SESSION_TOKEN. Failures before the command starts exit with 125.',
    'Prints one line when it is ready. If another engine already has the address, --json prints {"taken": ADDRESS}, and the exit code is 1. On SIGINT and SIGTERM it finishes requests and commits, and discards open forks. A second signal waits only for changes in progress.',
  ],
  options: {
    ...projectOptions,
    listen: { value: 'ADDRESS', help: 'unix:PATH, or 127.0.0.1:PORT; port 0 picks a free one' },
    keep: { help: 'stay without clients' },
    'idle-timeout': {
      value: 'SECONDS',
      help: `seconds to wait without clients; default: ${idleMs.grace / 1000}, and ${idleMs.first / 1000} for the first client`,
    },
    ...jsonOption,
  },
  operands: [],
  takesCommand: 'optional',
  async run({ options, command }, host) {
    const where = whereToRun(host, options.directory);
    const namespace = options.namespace === undefined ? null : parseNamespace(options.namespace, '--namespace');
    const lingerMs = parseSeconds('--idle-timeout', options['idle-timeout']);
    const hasCommand = command.length > 0;
    const { listen, keep, json } = options;
    if (hasCommand && (listen !== undefined || keep || json || lingerMs !== undefined)) {
      throw new CachelaneError('E_USAGE', 'an engine for a command chooses its own port and ends with the command', {
        hint: 'omit --listen, --keep, --idle-timeout and --json',
      });
    }
    const homeDir = homeOf(host);
    const at = hasCommand ? anyPort(host) : placeToListen(host, listen, homeDir);
    if (at.kind === 'port' && !hasCommand && !json) {
      throw new CachelaneError('E_USAGE', 'clients of a port need the token, which is printed only as JSON', {
        hint: 'add --json, or give it a command: cachelane serve -- COMMAND',
      });
    }
    using _ = at.kind === 'socket' ? await claim(host, { path: at.path, makesDir: listen === undefined, json }) : null;
    const { signal } = new AbortController();
    const place: CallerPlace = {
      directory: where.isChosen ? where.dir : null,
      namespace,
      environment: null,
      isConfined: false,
    };
    const [{ startServer, watchIdle }, { openEngine }] = await Promise.all([
      import('@cachelane/api'),
      import('../../api/open-engine.ts'),
    ]);
    await using engine = await openEngine(host, { place, signal });
    const { api } = engine;
    const rules = {
      firstMs: lingerMs ?? idleMs.first,
      graceMs: lingerMs ?? idleMs.grace,
      isAwaited: () => api.sessionCount > 0,
    };
    using watch = hasCommand || keep ? null : watchIdle(rules);
    const server = await startServer({ api, at, onClients: (count) => watch?.onClients(count) });
    if (!hasCommand || at.kind !== 'port') {
      using home = watchHome(host.clock, async () => await engine.checkHome());
      await serveClients(host, { server, at, json, idle: watch?.idle ?? null, lost: home.lost });
      return exitCodes.ok;
    }
    try {
      return await runUnderEngine(host, {
        argv: command,
        where,
        namespace,
        engine: { address: server.address, token: at.token },
      });
    } finally {
      // A remaining child process may wait for ever.
      await server.stop({ isPatient: false });
    }
  },
});

/** Reports a taken socket as JSON, since programs that start an engine parse the output. */
async function claim(host: Host, { json, ...place }: SocketClaim & { readonly json: boolean }): Promise<Disposable> {
  try {
    return await claimSocket(host, place);
  } catch (error) {
    if (json && isCachelaneError(error, 'E_LOCKED'))
      host.stdout.write(`${JSON.stringify({ taken: `unix:${place.path}` })}\n`);
    throw error;
  }
}

interface Serving {
  readonly server: ApiServer;
  readonly at: ListenAt;
  readonly json: boolean;
  /** Null to stay. */
  readonly idle: Promise<void> | null;
  /** Resolves when the store is gone. */
  readonly lost: Promise<CachelaneError>;
}

/** Reports that it is ready, and returns when it has stopped. Errors: that of `lost`. */
async function serveClients(host: Host, { server, at, json, idle, lost }: Serving): Promise<void> {
  const { promise: told, resolve } = Promise.withResolvers<void>();
  let isTold = false;
  const unlisten = host.signals.listen(() => {
    if (isTold) server.abort();
    isTold = true;
    resolve();
  });
  try {
    const { address } = server;
    const facts = { address, token: at.kind === 'port' ? at.token : null, pid: process.pid, protocolVersion };
    host.stdout.write(json ? `${JSON.stringify(facts)}\n` : `cachelane: the engine is ready at ${address}\n`);
    const why = await Promise.race([told, lost, ...(idle === null ? [] : [idle])]);
    await server.stop({ isPatient: why === undefined });
    if (why !== undefined) throw why;
  } finally {
    unlisten();
  }
}

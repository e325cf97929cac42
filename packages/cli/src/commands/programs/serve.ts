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

/** How long an engine stays without clients: until the first one has come, and after the last one has gone. */
const idleMs = { first: 60_000, grace: 10_000 };

export const serve: Command = defineCommand({
  name: 'serve',
  summary: 'serve GraphQL to programs',
  examples: ['cachelane serve', 'cachelane serve --listen 127.0.0.1:0 -- npm test'],
  details: [
    'Opens the caches once and answers POST /query until its last client has gone. It listens on a unix socket that only you can connect to: one for each home, or PATH. On a port of this machine it answers whoever has its token, which --json tells.',
    'With a command it runs that one, and ends with it and with its exit code: the command finds the engine through CACHELANE_ENGINE and CACHELANE_ENGINE_TOKEN, and clients of Dagger through DAGGER_SESSION_PORT and DAGGER_SESSION_TOKEN. What goes wrong before the command begins is 125.',
    'When it is ready it prints one line; with --json, where another engine has the place already, that line is {"taken": ADDRESS}, and the exit code 1. SIGINT and SIGTERM let it finish what it was asked, commits among it; forks that are open are discarded. A second one waits for nothing but changes that are being made.',
  ],
  options: {
    ...projectOptions,
    listen: { value: 'ADDRESS', help: 'unix:PATH, or 127.0.0.1:PORT; port 0 is any that is free' },
    keep: { help: 'stay when there are no clients' },
    'idle-timeout': {
      value: 'SECONDS',
      help: `how long to stay without clients; ${idleMs.grace / 1000} by default, and ${idleMs.first / 1000} until the first one has come`,
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
      throw new CachelaneError('E_USAGE', 'an engine for a command chooses its port, and ends with the command', {
        hint: 'leave out --listen, --keep, --idle-timeout and --json',
      });
    }
    const homeDir = homeOf(host);
    const at = hasCommand ? anyPort(host) : placeToListen(host, listen, homeDir);
    if (at.kind === 'port' && !hasCommand && !json) {
      throw new CachelaneError('E_USAGE', 'whoever asks at a port needs the token, which is told in JSON only', {
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
      // Whoever of its processes still waits for something would keep it waiting as well.
      await server.stop({ isPatient: false });
    }
  },
});

/** Programs that start an engine do not read sentences. */
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
  /** Null: it stays. */
  readonly idle: Promise<void> | null;
  /** Why there is nothing to serve from any more. */
  readonly lost: Promise<CachelaneError>;
}

/** Says that it is ready, and returns when it has stopped. Errors: that of `lost`. */
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

import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { World } from './cli.fixture.ts';

/** The output of `cachelane serve --json`. */
export interface EngineFacts {
  readonly address: string;
  readonly token: string | null;
  readonly pid: number;
  readonly protocolVersion: number;
}

type Started = ReturnType<World['start']>;

export interface StartedEngine extends EngineFacts {
  readonly started: Started;
}

/** Starts an engine and waits until it is ready. */
export async function startEngine(
  world: World,
  argv: readonly string[] = [],
  options?: Parameters<World['start']>[1],
): Promise<StartedEngine> {
  const started = world.start(['serve', '--json', ...argv], options);
  let text = '';
  started.child.stdout?.on('data', (more) => (text += String(more)));
  await started.said('\n');
  return { ...(JSON.parse(text) as EngineFacts), started };
}

interface EngineAnswer {
  readonly data?: Readonly<Record<string, unknown>>;
  readonly errors?: readonly { readonly message: string; readonly extensions: { readonly code: string } }[];
}

export interface Asked {
  readonly status: number;
  readonly answer: EngineAnswer;
}

/** Sends one query on a new connection. */
export async function ask(
  { address, token }: Pick<EngineFacts, 'address' | 'token'>,
  query: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Asked> {
  const sent = request({
    ...targetOf(address),
    method: 'POST',
    path: '/query',
    agent: false,
    headers: {
      'content-type': 'application/json',
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
  });
  sent.end(JSON.stringify({ query }));
  const [response] = (await once(sent, 'response')) as [AsyncIterable<Buffer> & { readonly statusCode: number }];
  let text = '';
  for await (const piece of response) text += piece.toString();
  return { status: response.statusCode, answer: JSON.parse(text) as EngineAnswer };
}

/** Opens a connection and sends nothing. */
export async function connectTo({ address }: Pick<EngineFacts, 'address'>): Promise<Socket> {
  const target = targetOf(address);
  const socket = 'socketPath' in target ? connect(target.socketPath) : connect(target.port, target.host);
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

function targetOf(address: string): { readonly socketPath: string } | { readonly host: string; readonly port: number } {
  if (address.startsWith('unix:')) return { socketPath: address.slice('unix:'.length) };
  const { hostname, port } = new URL(address);
  return { host: hostname, port: Number(port) };
}

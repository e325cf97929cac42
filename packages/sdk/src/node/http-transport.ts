import { Agent, request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { CachelaneError } from '../errors/errors.ts';
import type { Transport, TransportRequest, TransportResponse } from '../wire/transport.ts';

/** Over HTTP to a port, or to a socket, which `fetch` cannot. Errors: E_USAGE for an address that is none of an engine. */
export function httpTransport(address: string): Transport {
  const target = targetOf(address);
  const agent = new Agent({ keepAlive: true });
  // A request in the background has a connection of its own, which keeps nobody waiting.
  const background = new Agent({ keepAlive: false });
  return {
    address,
    canBeInBackground: true,
    async post(asked) {
      await turns();
      const call = httpRequest({
        ...target,
        method: 'POST',
        path: '/query',
        agent: asked.isInBackground ? background : agent,
        headers: { ...asked.headers, 'content-length': Buffer.byteLength(asked.body) },
        ...(asked.signal === undefined ? {} : { signal: asked.signal }),
      });
      return responseOf(await answerOf(call, asked));
    },
    close() {
      agent.destroy();
      background.destroy();
    },
  };
}

/**
 * A program that was busy has not seen yet which connections were closed meanwhile: what has happened is told before one is used again. Two turns, since this one may be past that point.
 */
async function turns(): Promise<void> {
  for (let count = 0; count < 2; count++) await new Promise((resolve) => setImmediate(resolve));
}

async function answerOf(call: ClientRequest, { body, isInBackground }: TransportRequest): Promise<IncomingMessage> {
  return await new Promise((resolve, reject) => {
    call.once('response', (message) => {
      // Somebody waits for an answer to begin, and nobody for the end of this one.
      if (isInBackground) message.socket.unref();
      resolve(message);
    });
    // Also what comes after the answer has begun: the reader of its body is told of that.
    call.on('error', reject);
    call.end(body);
  });
}

function responseOf(message: IncomingMessage): TransportResponse {
  return {
    status: message.statusCode ?? 0,
    contentType: message.headers['content-type'] ?? '',
    text: async () => await text(message),
    chunks: () => message as AsyncIterable<Uint8Array>,
  };
}

interface Target {
  readonly socketPath?: string;
  readonly host?: string;
  readonly port?: number;
}

function targetOf(address: string): Target {
  const socketPath = /^unix:(\/[^\0]+)$/s.exec(address)?.[1];
  if (socketPath !== undefined) return { socketPath, host: 'localhost' };
  const [, host = '', port = ''] = /^http:\/\/([^/:@]+|\[[0-9a-f:]+\]):(\d{1,5})\/?$/i.exec(address) ?? [];
  if (host !== '' && Number(port) <= 65_535) return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
  throw new CachelaneError('E_USAGE', `${JSON.stringify(address)} is no address of an engine`, {
    hint: 'give it as CACHELANE_ENGINE has it: unix:/path, or http://127.0.0.1:PORT',
  });
}

import { Agent, request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { CachelaneError } from '../errors/errors.ts';
import type { Transport, TransportRequest, TransportResponse } from '../wire/transport.ts';

/** A transport for ports and for sockets, which `fetch` cannot use. Errors: E_USAGE for an invalid address. */
export function httpTransport(address: string): Transport {
  const target = targetOf(address);
  const agent = new Agent({ keepAlive: true });
  // Background requests have their own connections, which do not keep the program alive.
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

/** Waits two turns of the event loop, so that connections that closed while the program was busy are not reused. */
async function turns(): Promise<void> {
  for (let count = 0; count < 2; count++) await new Promise((resolve) => setImmediate(resolve));
}

async function answerOf(call: ClientRequest, { body, isInBackground }: TransportRequest): Promise<IncomingMessage> {
  return await new Promise((resolve, reject) => {
    call.once('response', (message) => {
      // The caller waits for the start of this answer, but nothing waits for its end.
      if (isInBackground) message.socket.unref();
      resolve(message);
    });
    // Errors after the start of the answer reach the reader of its body.
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
  throw new CachelaneError('E_USAGE', `${JSON.stringify(address)} is not an engine's address`, {
    hint: 'use the form of CACHELANE_ENGINE: unix:/path, or http://127.0.0.1:PORT',
  });
}

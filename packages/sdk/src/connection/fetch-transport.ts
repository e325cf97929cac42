import { CachelaneError } from '../errors/errors.ts';
import type { Transport } from '../wire/transport.ts';

/** A transport that uses `fetch`. Errors: E_USAGE for an invalid address. */
export function fetchTransport(address: string, send: typeof fetch = fetch): Transport {
  const url = queryUrl(address);
  return {
    address,
    canBeInBackground: false,
    async post({ headers, body, signal }) {
      const response = await send(url, { method: 'POST', headers, body, ...(signal === undefined ? {} : { signal }) });
      return {
        status: response.status,
        contentType: response.headers.get('content-type') ?? '',
        text: async () => await response.text(),
        chunks: () => chunksOf(response),
      };
    },
    close: () => undefined,
  };
}

function queryUrl(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return new URL('/query', url);
  const hint =
    url?.protocol === 'unix:'
      ? 'only Node can use sockets: connect with @cachelane/sdk/node'
      : 'use the form of CACHELANE_ENGINE: http://127.0.0.1:PORT';
  throw new CachelaneError('E_USAGE', `cannot fetch from address ${JSON.stringify(address)}`, { hint });
}

async function* chunksOf({ body }: Response): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader();
  if (reader === undefined) return;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

import { request, type Agent } from 'node:http';

export interface RangedGet {
  readonly url: string;
  readonly sizeBytes: number;
  readonly agent: Agent;
}

/** The size of one request. */
const rangeBytes = 8 * 1024 * 1024;
/** Concurrent ranges; early ones stay in memory. */
const inFlight = 2;

/** Returns the bytes in order, fetched in parallel ranges. Both contenders use this client, so only their processing differs. */
export async function* fetchRanges({ url, sizeBytes, agent }: RangedGet): AsyncGenerator<Uint8Array> {
  const pending: Promise<readonly Uint8Array[]>[] = [];
  for (let at = 0; at < sizeBytes; at += rangeBytes) {
    pending.push(fetchRange(url, { from: at, to: Math.min(at + rangeBytes, sizeBytes) - 1, agent }));
    if (pending.length >= inFlight) yield* await (pending.shift() as Promise<readonly Uint8Array[]>);
  }
  for (const range of pending) yield* await range;
}

interface Range {
  readonly from: number;
  readonly to: number;
  readonly agent: Agent;
}

function fetchRange(url: string, { from, to, agent }: Range): Promise<readonly Uint8Array[]> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent, headers: { range: `bytes=${from}-${to}` } }, (response) => {
      const chunks: Uint8Array[] = [];
      if (response.statusCode !== 206) reject(new Error(`${url}: ${response.statusCode}`));
      response.on('data', (chunk: Uint8Array) => chunks.push(chunk));
      response.on('end', () => resolve(chunks));
      response.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

import { renameSync, writeFileSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

// Serves the files of a directory by ranges, with a limit in bytes per second for all connections together. Writes its port
// into a file, and ends when its stdin ends.

const [dir = '', rate = '', portFile = ''] = process.argv.slice(2);
const bytesPerMs = Number(rate) / 1000;
const pieceBytes = 64 * 1024;
/** The credit that a link keeps after a pause, which compensates the timer's resolution. */
const burstBytes = 20 * bytesPerMs;

let tokens = burstBytes;
let filledAtMs = performance.now();
let turn: Promise<void> = Promise.resolve();

/** Waits until the link has room for so many bytes, in order of arrival. */
function room(bytes: number): Promise<void> {
  turn = turn.then(async () => {
    for (;;) {
      const nowMs = performance.now();
      tokens = Math.min(burstBytes, tokens + (nowMs - filledAtMs) * bytesPerMs);
      filledAtMs = nowMs;
      if (tokens >= bytes) break;
      await sleep(Math.max(1, (bytes - tokens) / bytesPerMs));
    }
    tokens -= bytes;
  });
  return turn;
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const file = join(dir, decodeURIComponent(request.url ?? '/'));
  const { size } = await stat(file);
  const [, first = '0', last = String(size - 1)] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  const end = Number(last) + 1;
  response.writeHead(206, {
    'content-length': end - Number(first),
    'content-range': `bytes ${first}-${last}/${size}`,
  });
  await using handle = await open(file);
  for (let at = Number(first); at < end; at += pieceBytes) {
    const piece = Buffer.allocUnsafe(Math.min(pieceBytes, end - at));
    await handle.read(piece, 0, piece.length, at);
    await room(piece.length);
    // Wait for a slow reader instead of buffering.
    if (!response.write(piece)) await new Promise((resolve) => response.once('drain', resolve));
  }
  response.end();
}

const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => response.destroy(error as Error));
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address === null || typeof address === 'string') return;
  writeFileSync(`${portFile}.new`, String(address.port));
  renameSync(`${portFile}.new`, portFile);
});
process.stdin.resume().on('end', () => process.exit());

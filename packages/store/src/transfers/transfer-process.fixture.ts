import { writeSync } from 'node:fs';
import type { Digest } from '@cachelane/core';
import { bytesFrom } from './transfer-bytes.fixture.ts';
import { openTransferFiles } from './transfer-files.ts';

/**
 * A process that sends or fetches until it is killed or fails, and then prints the error's code.
 * `append HOME PIECE-BYTES OBJECT` continues the download and prints the byte count after each piece.
 * `spool HOME PIECE-BYTES` spools endlessly and prints the byte count before each piece.
 */
const [, , role, home = '', pieceText = '', object = ''] = process.argv;
const pieceBytes = Number(pieceText);
const files = openTransferFiles({ dir: home });
const { signal } = new AbortController();

async function append(): Promise<void> {
  await using download = await files.resume(object as Digest, signal);
  for (let position = download.haveBytes; ;) {
    await download.append(bytesFrom(position, pieceBytes));
    position += pieceBytes;
    writeSync(1, `${position}\n`);
  }
}

async function* endless(): AsyncGenerator<Uint8Array> {
  for (let position = 0; ; position += pieceBytes) {
    writeSync(1, `${position}\n`);
    yield bytesFrom(position, pieceBytes);
  }
}

try {
  if (role === 'append') await append();
  else await files.spool(endless(), signal);
} catch (error) {
  writeSync(1, `${(error as { readonly code?: string }).code ?? String(error)}\n`);
}

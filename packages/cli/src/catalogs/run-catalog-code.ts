import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';

export interface CatalogCode {
  readonly path: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Maximum size of the export, in bytes. */
  readonly bytesMax: number;
}

export type CatalogCodeEnd =
  | { readonly kind: 'exported'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly message: string; readonly code: string | undefined }
  /** The process ended first. `how`: `exit code 0`, `SIGKILL`. */
  | { readonly kind: 'ended'; readonly how: string }
  | { readonly kind: 'too-large' };

/** Writes the default export to descriptor 3. Hides Node's module-format warning, since the error explains it better. */
const script = `
import { writeSync } from 'node:fs';
import { serialize } from 'node:v8';
const [show] = process.listeners('warning');
process.removeAllListeners('warning').on('warning', (warning) => {
  if (!warning.message.startsWith('Failed to load the ES module')) show?.(warning);
});
let bytes;
try {
  bytes = serialize({ kind: 'exported', value: await (await import(process.argv[1])).default });
} catch (error) {
  bytes = serialize({ kind: 'failed', message: String(error?.message ?? error), code: error?.code });
}
while (bytes.length > 0) bytes = bytes.subarray(writeSync(3, bytes));
process.exit();
`;

/** Runs the code in a separate process, which may print to our stderr and exit. It receives the terminal's signals like we do. */
export async function runCatalogCode({ path, env, bytesMax }: CatalogCode): Promise<CatalogCodeEnd> {
  const words = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', script];
  const child = spawn(process.execPath, [...words, '--', pathToFileURL(path).href], {
    env,
    stdio: ['inherit', 2, 2, 'pipe'],
  });
  const [how, bytes] = await Promise.all([endOf(child), handedOver(child, bytesMax)]);
  if (bytes === 'too-large') return { kind: bytes };
  // Only a signal can end the process in the middle of the export.
  if (bytes.length === 0 || child.signalCode !== null) return { kind: 'ended', how };
  const { deserialize } = await import('node:v8');
  try {
    return deserialize(bytes) as CatalogCodeEnd;
  } catch {
    // The code can write to the descriptor too.
    return { kind: 'failed', message: 'it wrote to descriptor 3, which is reserved for the export', code: undefined };
  }
}

async function endOf(child: ChildProcess): Promise<string> {
  return await new Promise((resolve) => {
    child.once('error', ({ message }) => {
      resolve(message);
    });
    child.once('exit', (code, signal) => {
      resolve(code === null ? String(signal) : `exit code ${code}`);
    });
  });
}

/** Returns the export, or stops reading at the limit. */
async function handedOver(child: ChildProcess, bytesMax: number): Promise<Buffer | 'too-large'> {
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  for await (const part of child.stdio[3] as Readable as AsyncIterable<Buffer>) {
    sizeBytes += part.length;
    if (sizeBytes > bytesMax) {
      child.kill('SIGKILL');
      return 'too-large';
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A minimal connection to an engine's port, so that only the engine is measured. */
export interface EngineClient extends Disposable {
  /** Sends the operation after the previous answers. Resolves with the answer's body, and rejects if that has errors. */
  ask(operation: unknown): Promise<string>;
}

export interface EngineAccess {
  readonly address: string;
  readonly token: string;
}

export async function openClient({ address, token }: EngineAccess): Promise<EngineClient> {
  const { port } = new URL(address);
  const socket = connect(Number(port), '127.0.0.1').setNoDelay(true);
  await once(socket, 'connect');
  const answers = answersOf(socket);
  let last: Promise<unknown> = Promise.resolve();
  return {
    ask: async (operation) => {
      const request = requestOf(operation, { port, token });
      const before = last;
      const answer = (async () => {
        await before;
        socket.write(request);
        return await answers();
      })();
      last = answer;
      return await answer;
    },
    [Symbol.dispose]: () => {
      socket.destroy();
    },
  };
}

function requestOf(operation: unknown, { port, token }: { readonly port: string; readonly token: string }): string {
  const body = JSON.stringify(operation);
  return [
    'POST /query HTTP/1.1',
    `Host: 127.0.0.1:${port}`,
    `Authorization: Bearer ${token}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
}

/** Returns a function that waits for the next answer. */
function answersOf(socket: Socket): () => Promise<string> {
  let text = '';
  let waiting: { readonly resolve: (body: string) => void; readonly reject: (error: Error) => void } | null = null;
  socket.setEncoding('latin1').on('data', (more) => {
    text += String(more);
    const head = text.indexOf('\r\n\r\n');
    const length = Number(/^content-length: (\d+)/im.exec(text.slice(0, head))?.[1]);
    if (head < 0 || text.length < head + 4 + length) return;
    const body = text.slice(head + 4, head + 4 + length);
    const isGood = text.startsWith('HTTP/1.1 200') && !body.includes('"errors"');
    text = text.slice(head + 4 + length);
    if (isGood) waiting?.resolve(body);
    else waiting?.reject(new Error(body));
  });
  socket.on('close', () => waiting?.reject(new Error('the engine closed the connection')));
  return async () =>
    await new Promise((resolve, reject) => {
      waiting = { resolve, reject };
    });
}

import type { Readable } from 'node:stream';
import { CachelaneError, type Clock } from '@cachelane/core';
import { corrupt } from '../content/expect-content.ts';
import type { S3Bucket } from './s3-client.ts';
import { fromS3 } from './s3-errors.ts';

export interface BodyReading {
  readonly body: Readable;
  /** The number of remaining bytes. */
  readonly sizeBytes: number;
  readonly what: string;
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

/** Yields the pieces of an answer. Throws E_REMOTE_GONE if the connection breaks or is silent. */
export async function* bodyPieces(bucket: S3Bucket, reading: BodyReading): AsyncIterable<Uint8Array> {
  const { body, sizeBytes, what, signal, clock } = reading;
  let left = sizeBytes;
  const watch = watchSilence(body, { clock, silenceMs: bucket.silenceMs, signal });
  try {
    for await (const piece of body as AsyncIterable<Uint8Array>) {
      watch.heard();
      left -= piece.byteLength;
      if (left < 0) throw corrupt(what, 'is longer than announced');
      yield piece;
      watch.heard();
    }
  } catch (error) {
    throw fromS3(error, bucket, 'reading', signal);
  } finally {
    watch.end();
    body.destroy();
  }
  if (left > 0) {
    throw new CachelaneError('E_REMOTE_GONE', `${bucket.name} stopped ${left} bytes before the end of ${what}`, {
      retryable: true,
    });
  }
}

interface SilenceWatch {
  heard(): void;
  end(): void;
}

interface SilenceOptions {
  readonly clock: Clock;
  readonly silenceMs: number;
  readonly signal: AbortSignal;
}

/** The SDK's own limit ends with the headers. A slow reader is not silence: it calls `heard` when it returns. */
function watchSilence(body: Readable, { clock, silenceMs, signal }: SilenceOptions): SilenceWatch {
  const ended = new AbortController();
  let heardAtMs = clock.monotonicMs();
  const stop = (): void => {
    body.destroy(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
  };
  signal.addEventListener('abort', stop, { once: true });
  const look = async (): Promise<void> => {
    while (!ended.signal.aborted) {
      const silentMs = clock.monotonicMs() - heardAtMs;
      if (silentMs >= silenceMs && body.readableLength === 0) {
        body.destroy(Object.assign(new Error('silence'), { code: 'ETIMEDOUT' }));
        return;
      }
      await clock.sleep(Math.max(silenceMs - silentMs, silenceMs / 4), ended.signal);
    }
  };
  look().catch(() => undefined);
  return {
    heard() {
      heardAtMs = clock.monotonicMs();
    },
    end() {
      signal.removeEventListener('abort', stop);
      ended.abort();
    },
  };
}

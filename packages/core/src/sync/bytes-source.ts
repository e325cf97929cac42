import { digestOf } from '../base/digest.ts';
import type { ObjectSource } from '../ports/remote/remote-objects.ts';

export function bytesSource(bytes: Uint8Array): ObjectSource {
  return {
    sizeBytes: bytes.byteLength,
    digest: digestOf(bytes),
    async *read() {
      if (bytes.byteLength > 0) yield bytes;
    },
  };
}

import type { TransferFilesFactory } from './transfer-files-fixture.ts';
import { downloadConformance } from './conformance-downloads.ts';
import { spoolConformance } from './conformance-spool.ts';
import { sweepConformance } from './conformance-sweep.ts';
import { describe } from 'vitest';

/**
 * What every driver of the `TransferFiles` port must do; each guarantee of the port's contract is a test here. `create` makes an
 * empty home, once for each test.
 */
export function transferFilesConformance(name: string, create: TransferFilesFactory): void {
  describe(`transfer files: ${name}`, () => {
    spoolConformance(create);
    downloadConformance(create);
    sweepConformance(create);
  });
}

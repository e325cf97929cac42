import type { TransferFilesFactory } from './transfer-files-fixture.ts';
import { downloadConformance } from './conformance-downloads.ts';
import { spoolConformance } from './conformance-spool.ts';
import { sweepConformance } from './conformance-sweep.ts';
import { describe } from 'vitest';

/** The conformance suite of the `TransferFiles` port: one test for each guarantee of its contract. `create` makes an empty home for each test. */
export function transferFilesConformance(name: string, create: TransferFilesFactory): void {
  describe(`transfer files: ${name}`, () => {
    spoolConformance(create);
    downloadConformance(create);
    sweepConformance(create);
  });
}

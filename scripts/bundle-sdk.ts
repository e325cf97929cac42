import { join, resolve } from 'node:path';
import { buildSdkPackage } from './sdk/build-package.ts';

// Builds dist/sdk, or the directory in the argument, for `npm publish dist/sdk`. The package.json of the sources is only for this repository.

const root = join(import.meta.dirname, '..');
try {
  await buildSdkPackage({ root, target: resolve(process.argv[2] ?? join(root, 'dist/sdk')) });
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

import { join, resolve } from 'node:path';
import { buildSdkPackage } from './sdk/build-package.ts';

// Makes dist/sdk, or the directory that is named, which is published: `npm publish dist/sdk`. The package.json of the sources is for the rest of the repository.

const root = join(import.meta.dirname, '..');
try {
  await buildSdkPackage({ root, target: resolve(process.argv[2] ?? join(root, 'dist/sdk')) });
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

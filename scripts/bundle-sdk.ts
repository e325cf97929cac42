import { join } from 'node:path';
import { buildSdkPackage } from './sdk/build-package.ts';

// Makes dist/sdk, which is published: `npm publish dist/sdk`. The package's own package.json has sources for the rest of the repository.

const root = join(import.meta.dirname, '..');
try {
  await buildSdkPackage({ root, target: join(root, 'dist/sdk') });
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

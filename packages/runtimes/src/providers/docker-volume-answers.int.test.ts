import { chmodSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { parseNamespace, parseVolumeName } from '@cachelane/core';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { dockerVolumeProvider } from './docker-volume-provider.ts';

let dir = '';
beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'cachelane-docker-answers-')));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

// All of these are writable directories for this process.
test.each(['.', './', '..', '', '//tmp', '/tmp/../tmp', '/', 7, null])(
  'refuses a place that is not absolute and plain: %j',
  async (mountpoint) => {
    const answer = JSON.stringify([{ Name: 'pip', Driver: 'local', Mountpoint: mountpoint }]);
    writeFileSync(join(dir, 'docker'), `#!/bin/sh\necho '${answer}'\n`);
    chmodSync(join(dir, 'docker'), 0o755);
    const env = { PATH: [dir, process.env['PATH'] ?? ''].join(delimiter) };
    const provider = dockerVolumeProvider({ env, storeDir: join(dir, 'store') });
    const request = {
      argument: 'pip',
      volume: parseVolumeName('pip'),
      tool: 'pip',
      compat: {},
      project: parseNamespace('github.com/acme/web'),
      place: null,
      fetch: { seedBytes: 1000, diskBytes: 1000 },
    };
    await expect(provider.provide(request, new AbortController().signal)).rejects.toMatchObject({
      code: 'E_VOLUME',
      message: 'docker does not say where it keeps the volume pip',
    });
  },
);

import { writeSync } from 'node:fs';
import { newAttempt, parseRemoteKey } from '@cachelane/core';
import { addWords } from '@cachelane/testkit';
import { openRemote } from './open/open-remote.ts';
import { parseRemoteAddress } from './base/remote-address.ts';
import { systemClock, systemRandom } from './remote-world.fixture.ts';

/**
 * Adds COUNT words to one head (0: until it is killed) and prints each acknowledged word: `node
 * head-writer.fixture.ts ADDRESS NAME COUNT`.
 */
const [, , address = '', name = '', text = '0'] = process.argv;
const count = text === '0' ? 1_000_000 : Number(text);
await using remote = await openRemote({
  address: parseRemoteAddress(address),
  clock: systemClock,
  random: systemRandom,
  env: process.env,
});
await addWords(remote.heads, {
  key: parseRemoteKey('volumes/npm'),
  words: (function* words() {
    for (let index = 0; index < count; index++) yield `${name}.${index}`;
  })(),
  attempt: () => newAttempt(systemRandom.bytes(16)),
  onAdded: (word) => {
    writeSync(1, `${word}\n`);
  },
});

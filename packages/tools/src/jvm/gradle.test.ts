import { expect, test } from 'vitest';
import { gradleTool } from './gradle.ts';
import { environmentOf, ruleOf, type FakeEnvironment } from '../tool-environment.fixture.ts';

test.each([
  ['modules-2/', 'U'],
  ['modules-2/files-2.1/', 'U'],
  ['modules-2/files-2.1/com.acme/left/1.0/0a1b/left-1.0.jar', 'U'],
  ['modules-2/files-2.1/com.acme/left/1.0/0a1b/Cargo.lock', 'U'],
  ['modules-2/metadata-2.107/descriptors/x.bin', 'G modules-2/metadata-2.107 count'],
  ['modules-2/modules-2.lock', 'never'],
  ['modules-2/gc.properties', 'never'],
  ['build-cache-1/', 'U'],
  ['build-cache-1/0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f', 'U'],
  ['build-cache-1/build-cache-1.lock', 'never'],
  ['build-cache-1/temp123.part', 'never'],
  ['8.10.2/kotlin-dsl/x.bin', 'G 8.10.2 count'],
  ['8.10.2/fileHashes/fileHashes.lock', 'never'],
  ['jars-9/0a/x.jar', 'G jars-9 count'],
  ['journal-1/file-access.bin', 'G journal-1 count'],
  ['CACHEDIR.TAG', 'U'],
  ['made-up/x', 'D count'],
])('%s: %s', (path, rule) => {
  expect(ruleOf(gradleTool, path)).toBe(rule);
});

test.each(['.netrc', 'credentials', 'id_rsa'])('credentials are never stored: %s', (path) => {
  expect(ruleOf(gradleTool, path, { [path]: 'secret' })).toBe('never');
});

interface Place extends FakeEnvironment {
  readonly name: string;
  readonly at: string;
}

test.each<Place>([
  { name: 'nothing is set', at: "/home/ann/.gradle/caches (Gradle's default)" },
  {
    name: 'the environment sets it',
    env: { GRADLE_USER_HOME: '/g' },
    at: '/g/caches (GRADLE_USER_HOME in the environment)',
  },
])('finds it when $name', ({ at, ...environment }) => {
  const place = gradleTool.locate(environmentOf(environment));
  expect(`${place?.path} (${place?.source})`).toBe(at);
});

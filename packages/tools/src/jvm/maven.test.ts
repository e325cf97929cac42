import { expect, test } from 'vitest';
import { mavenTool } from './maven.ts';
import { environmentOf, ruleOf, type FakeEnvironment } from '../tool-environment.fixture.ts';

test.each([
  ['com/', 'U'],
  ['com/acme/left/1.0/', 'U'],
  ['com/acme/left/1.0/left-1.0.jar', 'U'],
  ['com/acme/left/1.0/left-1.0.pom.sha1', 'U'],
  ['com/acme/left/1.0/left-1.0-sources.jar', 'U'],
  ['com/acme/left/1.0/_remote.repositories', 'A'],
  ['com/acme/left/maven-metadata-central.xml', 'L'],
  ['com/acme/left/maven-metadata-central.xml.sha1', 'U'],
  ['com/acme/left/1.1-SNAPSHOT/left-1.1-SNAPSHOT.jar', 'G com/acme/left/1.1-SNAPSHOT'],
  ['com/acme/left/1.1-SNAPSHOT/maven-metadata-snapshots.xml', 'G com/acme/left/1.1-SNAPSHOT'],
  ['com/acme/left/1.0/left-1.0.jar.lastUpdated', 'never'],
  ['com/acme/left/1.0/left-1.0.jar.123.part', 'never'],
  ['com/acme/left/1.0/left-1.0.jar.lock', 'never'],
  ['com/acme/left/resolver-status.properties', 'never'],
  ['.locks/artifact~left.lock', 'never'],
  ['com/acme/left/1.0/right-1.0.jar', 'D count'],
  ['com/acme/left/notes', 'D count'],
])('%s: %s', (path, rule) => {
  expect(ruleOf(mavenTool, path)).toBe(rule);
});

test.each(['.netrc', 'credentials', 'id_rsa'])('credentials are never stored: %s', (path) => {
  expect(ruleOf(mavenTool, path, { [path]: 'secret' })).toBe('never');
});

interface Place extends FakeEnvironment {
  readonly name: string;
  readonly at: string;
}

test.each<Place>([
  { name: 'nothing is set', at: "/home/ann/.m2/repository (Maven's default)" },
  {
    name: 'the user sets it',
    files: {
      '/home/ann/.m2/settings.xml':
        '<!--<localRepository>/x</localRepository>--><localRepository>${user.home}/r</localRepository>',
    },
    at: '/home/ann/r (localRepository in /home/ann/.m2/settings.xml)',
  },
  {
    name: 'the project sets it',
    files: { '/home/ann/project/.mvn/maven.config': '-T1\n-Dmaven.repo.local=/p' },
    at: '/p (/home/ann/project/.mvn/maven.config)',
  },
  {
    name: 'the environment sets it',
    env: { MAVEN_ARGS: '-B -Dmaven.repo.local=/e' },
    at: '/e (MAVEN_ARGS in the environment)',
  },
])('finds it when $name', ({ at, ...environment }) => {
  const place = mavenTool.locate(environmentOf(environment));
  expect(`${place?.path} (${place?.source})`).toBe(at);
});

test('a budget removes nothing, since installed artifacts may exist nowhere else', () => {
  expect(mavenTool.losesFiles).toBe(undefined);
});

import {
  parentPath,
  type BytePath,
  type PathRule,
  type Tool,
  type ToolEnvironment,
  type ToolLocation,
} from '@cachelane/core';
import { classifyUnknown } from '../common/directory.ts';
import { mavenMetadataDriver } from './maven-metadata.ts';
import { mavenRemotesDriver } from './maven-remotes.ts';
import { directoriesUp } from '../common/project-dirs.ts';
import { pathsOf } from '../common/paths.ts';
import { groupRule, linesRule, never, newestRule, unionRule } from '../common/rules.ts';

const metadataRule = newestRule(mavenMetadataDriver);
const remotesRule = linesRule(mavenRemotesDriver);

/** Maven's local repository. Artifacts from `mvn install` are stored like downloads. */
export const mavenTool: Tool = {
  name: 'maven',
  rulesVersion: 1,
  summary: "Maven's local repository (~/.m2/repository)",
  lockfiles: ['pom.xml'],
  locate,
  // Maven takes the place only as an argument; MAVEN_ARGS would replace the user's own.
  redirect: () => null,
  linksOut: false,
  compat: () => ({}),
  classify(path, isDirectory, context) {
    return ruleFor(path, isDirectory) ?? classifyUnknown(path, isDirectory, context);
  },
  commitWhen: 'exit',
  prune: {
    kind: 'none',
    why: 'mvn dependency:purge-local-repository removes the artifacts of a project and fetches them again',
  },
  sync: 'always',
  versions: 'Maven 3 and 4 read one layout',
  stored: [
    { path: 'com/acme/left/1.0/left-1.0.jar', what: 'artifacts', checked: 'when fetched' },
    { path: 'com/acme/left/1.0/_remote.repositories', what: 'repositories of the artifacts', checked: 'never' },
    { path: 'com/acme/left/maven-metadata-central.xml', what: 'lists of versions', checked: 'never' },
    { path: 'com/acme/left/1.0-SNAPSHOT/left-1.0-SNAPSHOT.jar', what: 'snapshots', checked: 'when fetched' },
  ],
  neverStored: [
    '.locks/',
    'com/acme/left/1.0/left-1.0.jar.part',
    'com/acme/left/1.0/left-1.0.jar.lastUpdated',
    'com/acme/left/resolver-status.properties',
  ],
  tried: 'real tool',
};

function ruleFor(path: BytePath, isDirectory: boolean): PathRule | null {
  const [top = ''] = path.split('/', 1);
  if (top === '.locks') return never('lock files');
  const snapshot = /^(.+\/[^/]+-SNAPSHOT)(?:\/|$)/.exec(path)?.[1];
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (!isDirectory && isPassing(name)) return never('temporary files and failed downloads');
  // Metadata names the snapshot's build.
  if (snapshot !== undefined) return isDirectory ? unionRule : { ...groupRule(snapshot), removals: 'hint' };
  // Groups are named like Java packages.
  if (isDirectory) return /^[a-z]\w*(?:\/|$)/i.test(path) ? unionRule : null;
  // Every artifact lies below group, artifact and version.
  if (path.split('/').length < 3) return null;
  if (name === '_remote.repositories') return remotesRule;
  if (/^maven-metadata-.+\.xml$/.test(name)) return metadataRule;
  if (name === 'resolver-status.properties') return never("time of Maven's last version check");
  return isOfArtifact(path, name) ? unionRule : null;
}

function isPassing(name: string): boolean {
  return /\.lastUpdated$|\.part$|\.part\.lock$|\.tmp$|\.lock$|^\.nfs/.test(name);
}

/** `com/acme/left/1.0/left-1.0.jar`: the name begins with its two parent directories. */
function isOfArtifact(path: BytePath, name: string): boolean {
  const [artifact, version] = parentPath(path).split('/').slice(-2);
  return (
    name.startsWith(`${artifact}-${version}`) ||
    /^(?:maven-metadata-.+\.xml\.(?:sha1|md5|sha256|sha512)|m2e-.+)$/.test(name)
  );
}

function locate(environment: ToolEnvironment): ToolLocation {
  const { isAbsolute, join } = pathsOf(environment);
  const config = directoriesUp(environment).map((dir) => join(dir, '.mvn', 'maven.config'));
  const places: readonly (readonly [string, string | undefined, boolean])[] = [
    ...['MAVEN_ARGS', 'MAVEN_OPTS'].map(
      (name) => [`${name} in the environment`, environment.env(name), false] as const,
    ),
    ...config.map((path) => [path, environment.readText(path), true] as const),
  ];
  for (const [source, text, byProject] of places) {
    const [, quoted, plain] = /(?:^|\s)-Dmaven\.repo\.local=(?:"([^"]+)"|(\S+))/.exec(text ?? '') ?? [];
    const path = quoted ?? plain;
    if (path !== undefined && isAbsolute(path)) return byProject ? { path, source, byProject } : { path, source };
  }
  const settings = join(environment.homeDir, '.m2', 'settings.xml');
  const text = (environment.readText(settings) ?? '').replace(/<!--.*?-->/gs, '');
  const [, value] = /<localRepository>\s*([^<]*?)\s*<\/localRepository>/.exec(text) ?? [];
  if (value) {
    const path = value
      .replaceAll('${user.home}', environment.homeDir)
      .replace(/\$\{env\.(\w+)\}/g, (_, name: string) => environment.env(name) ?? '');
    if (isAbsolute(path)) return { path, source: `localRepository in ${settings}` };
  }
  return { path: join(environment.homeDir, '.m2', 'repository'), source: "Maven's default" };
}

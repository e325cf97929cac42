import type { PathRule, Tool } from '@cachelane/core';
import { classifyUnknown } from '../common/directory.ts';
import { pathsOf } from '../common/paths.ts';
import { groupRule, never, unionRule } from '../common/rules.ts';

const lock = never("lock files, and the time of Gradle's last clean-up");

/** `caches` of Gradle's home. Settings with passwords lie beside it, outside the volume. */
export const gradleTool: Tool = {
  name: 'gradle',
  rulesVersion: 1,
  summary: "Gradle's downloads and build cache (~/.gradle/caches)",
  lockfiles: ['build.gradle', 'build.gradle.kts', 'settings.gradle', 'settings.gradle.kts'],
  locate(environment) {
    const { join, resolve } = pathsOf(environment);
    const variable = environment.env('GRADLE_USER_HOME');
    return variable
      ? { path: join(resolve(environment.workDir, variable), 'caches'), source: 'GRADLE_USER_HOME in the environment' }
      : { path: join(environment.homeDir, '.gradle', 'caches'), source: "Gradle's default" };
  },
  // The daemon would end with the command. The user's own GRADLE_OPTS win.
  daemon: { what: 'its daemon', settings: { GRADLE_OPTS: '-Dorg.gradle.daemon=false' } },
  // GRADLE_USER_HOME would also move settings and credentials.
  redirect: () => null,
  linksOut: false,
  compat: ({ os, arch }) => ({ os, arch }),
  classify(path, isDirectory, context) {
    return ruleFor(path, isDirectory) ?? classifyUnknown(path, isDirectory, context);
  },
  // Its databases are complete only after a clean end.
  commitWhen: 'success',
  prune: { kind: 'none', why: 'Gradle cleans up by age on its own; it has no command' },
  sync: 'always',
  versions: 'directories carry the version of Gradle or of their format',
  stored: [
    {
      path: 'modules-2/files-2.1/com.acme/left/1.0/<40 hex>/left-1.0.jar',
      what: 'downloads by their digests',
      checked: 'when fetched',
    },
    { path: 'build-cache-1/<32 hex>', what: 'outputs of tasks', checked: 'never' },
    { path: 'modules-2/metadata-2.107/module-metadata.bin', what: 'databases of downloads', checked: 'never' },
    {
      path: '8.14/kotlin-dsl/scripts/<32 hex>/classes.jar',
      what: 'compiled build scripts, and other state of one version',
      checked: 'never',
    },
  ],
  neverStored: ['modules-2/modules-2.lock', 'modules-2/gc.properties', 'build-cache-1/build-cache-1.lock'],
  tried: 'fixture',
};

function ruleFor(path: string, isDirectory: boolean): PathRule | null {
  const [top = '', part, name] = path.split('/');
  const last = path.slice(path.lastIndexOf('/') + 1);
  if (!isDirectory && isOwn(path) && (last.endsWith('.lock') || last === 'gc.properties')) return lock;
  if (!isDirectory && path === 'CACHEDIR.TAG') return unionRule;
  // Downloads, each below its content's digest.
  if (/^modules-\d+$/.test(top)) {
    if (part === undefined) return isDirectory ? unionRule : null;
    return /^files-[\d.]+$/.test(part) ? unionRule : groupRule(`${top}/${part}`);
  }
  // Task outputs under digests of their inputs.
  if (/^build-cache-\d+$/.test(top)) {
    if (part === undefined) return isDirectory ? unionRule : null;
    return name === undefined && /^[0-9a-f]{32,64}$/.test(part) ? unionRule : never('temporary files');
  }
  // Databases of one Gradle or format version: whole, from one run.
  return /^(?:\d+(?:\.\d+)+.*|(?:jars|transforms|journal|user-id|keyrings|notifications)(?:-\d+)?)$/.test(top)
    ? groupRule(top)
    : null;
}

/**
 * Returns whether Gradle itself wrote the file: `modules-2/modules-2.lock`, `8.14/fileHashes/fileHashes.lock`, but not the extracted
 * `transforms-4/1a2b/transformed/yarn.lock`.
 */
function isOwn(path: string): boolean {
  return path.split('/').length <= 3 && !/^modules-\d+\/files-/.test(path);
}

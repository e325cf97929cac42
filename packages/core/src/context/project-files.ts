/** The project's configuration file. */
export const configFileName = 'cachelane.yaml';

/** A common misspelling, which is refused. */
export const misnamedConfigFile = 'cachelane.yml';

/**
 * Files that make a directory a project: our own, and manifests and lockfiles of tools with caches, most frequent
 * first, because searches use this order. Files found in every directory of a tree are left out (CMakeLists.txt,
 * BUILD.bazel, Makefile).
 */
export const projectFiles: readonly string[] = [
  configFileName,
  'package.json',
  'go.mod',
  'Cargo.toml',
  'pyproject.toml',
  'requirements.txt',
  'pom.xml',
  'build.gradle',
  'build.gradle.kts',
  'package-lock.json',
  'npm-shrinkwrap.json',
  'pnpm-lock.yaml',
  'pnpm-workspace.yaml',
  'yarn.lock',
  'bun.lock',
  'bun.lockb',
  'deno.json',
  'deno.jsonc',
  'deno.lock',
  'go.work',
  'Cargo.lock',
  'uv.lock',
  'poetry.lock',
  'pdm.lock',
  'Pipfile',
  'Pipfile.lock',
  'setup.py',
  'setup.cfg',
  'settings.gradle',
  'settings.gradle.kts',
  'build.sbt',
  'MODULE.bazel',
  'WORKSPACE.bazel',
  'WORKSPACE',
  'Gemfile',
  'Gemfile.lock',
  'composer.json',
  'composer.lock',
  'mix.exs',
  'pubspec.yaml',
  'Package.swift',
  'global.json',
  'packages.lock.json',
  'stack.yaml',
  'cabal.project',
  'conanfile.txt',
  'conanfile.py',
  'vcpkg.json',
];

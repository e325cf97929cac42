/** The project's own settings. */
export const configFileName = 'cachelane.yaml';

/** What other programs take as well, and we do not: two files with settings would be one too many. */
export const misnamedConfigFile = 'cachelane.yml';

/**
 * Files that make a directory a project: our own, and the manifests and lockfiles of tools that have caches. The most
 * frequent first, since a search asks for them in this order. Left out: files that stand in every directory of a tree
 * (CMakeLists.txt, BUILD.bazel, Makefile), which would make a project of each.
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

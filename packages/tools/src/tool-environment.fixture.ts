import type { BytePath, ClassifyContext, PathRule, Tool, ToolEnvironment } from '@cachelane/core';

export interface FakeEnvironment {
  readonly os?: string;
  readonly homeDir?: string;
  readonly workDir?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** By absolute path. */
  readonly files?: Readonly<Record<string, string>>;
  /** The version that each program reports. */
  readonly versions?: Readonly<Record<string, string>>;
}

export function environmentOf({
  os = 'linux',
  homeDir = '/home/ann',
  workDir = '/home/ann/project',
  env = {},
  files = {},
  versions = {},
}: FakeEnvironment = {}): ToolEnvironment {
  return {
    os,
    arch: 'x64',
    homeDir,
    workDir,
    env: (name) => env[name],
    readText: (path) => files[path],
    programVersion: (name) => versions[name],
  };
}

function contextOf(files: Readonly<Record<string, string>> = {}): ClassifyContext {
  return {
    peek(path, count) {
      const content = files[path];
      return content === undefined ? undefined : Buffer.from(content).subarray(0, count);
    },
  };
}

/** Returns a rule as a short text: `U`, `L far-future`, `G label`, `never`. A path with a final `/` is a directory. */
export function ruleOf(tool: Tool, path: string, files: Readonly<Record<string, string>> = {}): string {
  const isDirectory = path.endsWith('/');
  const plain = (isDirectory ? path.slice(0, -1) : path) as BytePath;
  return inWords(tool.classify(plain, isDirectory, contextOf(files)));
}

function inWords(rule: PathRule): string {
  if (rule.kind === 'never') return 'never';
  const parts = [
    rule.mergeClass,
    rule.group,
    rule.mtime === 'keep' ? null : rule.mtime,
    rule.removals === 'hint' ? null : rule.removals,
  ];
  return parts.filter((part) => part !== null).join(' ');
}

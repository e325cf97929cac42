import { hash } from 'node:crypto';
import { appendFileSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** The directories of a command's volumes: npm's and a plain one. */
export interface VolumeDirs {
  readonly npm: string;
  readonly data: string;
}

/** The number of npm index files that all machines append to. */
const buckets = 3;

/** Every second commit also writes to the plain volume. Every commit would double the traffic of 20 machines. */
const dataEvery = 2;

/** Writes a commit in npm's format: a content named by its digest, a line in a shared index file, and sometimes its own file. */
export function writeCommit({ npm, data }: VolumeDirs, name: string): void {
  const content = `content of ${name}\n`;
  const integrity = `sha512-${hash('sha512', content, 'base64')}`;
  write(contentFile(npm, content), content);
  const bucket = hash('sha256', `bucket ${numberOf(name) % buckets}`, 'hex');
  const file = join(npm, '_cacache/index-v5', bucket.slice(0, 2), bucket.slice(2, 4), bucket.slice(4));
  mkdirSync(dirname(file), { recursive: true });
  appendFileSync(file, lineOf(name, integrity, content.length));
  if (hasData(name)) write(join(data, dataPath(name)), content);
}

/** Returns the missing parts of these commits, each as `part: name`. */
export function missingOf({ npm, data }: VolumeDirs, names: readonly string[]): readonly string[] {
  const lines = new Set(bucketsIn(npm).flatMap(linesOf));
  return names.flatMap((name) => {
    const content = `content of ${name}\n`;
    const integrity = `sha512-${hash('sha512', content, 'base64')}`;
    const has = {
      content: isFile(contentFile(npm, content), content),
      line: lines.has(lineOf(name, integrity, content.length).slice(1)),
      data: !hasData(name) || isFile(join(data, dataPath(name)), content),
    };
    return Object.entries(has).flatMap(([part, is]) => (is ? [] : [`${part}: ${name}`]));
  });
}

/** What a run finds of such commits. */
export interface SeenCommits {
  /** The commits with a line in the index. */
  readonly names: ReadonlySet<string>;
  /** Those with a missing or wrong content. There must never be one. */
  readonly broken: readonly string[];
  /** Every file of the plain volume, by its path. */
  readonly files: ReadonlyMap<string, string>;
}

/** Returns the commits with a line in npm's index. */
export function namesIn({ npm }: Pick<VolumeDirs, 'npm'>): readonly string[] {
  return bucketsIn(npm).flatMap((file) => linesOf(file).flatMap((line) => nameIn(line) ?? []));
}

export function seenIn({ npm, data }: VolumeDirs): SeenCommits {
  const names = namesIn({ npm });
  const broken = names.filter((name) => {
    const content = `content of ${name}\n`;
    return !isFile(contentFile(npm, content), content);
  });
  const found = globSync('**', { cwd: data, withFileTypes: true }).filter((each) => each.isFile());
  const files = found.map((each): readonly [string, string] => {
    const file = join(each.parentPath, each.name);
    return [relative(data, file), readFileSync(file, 'utf8')];
  });
  return { names: new Set(names), broken, files: new Map(files) };
}

/** Removes contents and the lines that name them, like npm's own clean-up. */
export function takeOut({ npm }: Pick<VolumeDirs, 'npm'>, names: ReadonlySet<string>): void {
  for (const name of names) rmSync(contentFile(npm, `content of ${name}\n`), { force: true });
  for (const file of bucketsIn(npm)) {
    const lines = linesOf(file);
    const left = lines.filter((line) => !names.has(nameIn(line) ?? ''));
    if (left.length < lines.length) writeFileSync(file, left.map((line) => `\n${line}`).join(''));
  }
}

function bucketsIn(npm: string): readonly string[] {
  return globSync(join(npm, '_cacache/index-v5/*/*/*'));
}

function linesOf(file: string): readonly string[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
}

function nameIn(line: string): string | undefined {
  return /"key":"package ([^"]+)"/.exec(line)?.[1];
}

/** Returns the path of the file for `m7.3`, in a directory of its machine. */
export function dataPath(name: string): string {
  return name.replace('.', '/');
}

/** Returns whether a commit writes to the plain volume. */
export function hasData(name: string): boolean {
  return numberOf(name) % dataEvery === 0;
}

function numberOf(name: string): number {
  return Number(name.slice(name.indexOf('.') + 1));
}

function lineOf(name: string, integrity: string, sizeBytes: number): string {
  const json = JSON.stringify({ key: `package ${name}`, integrity, time: numberOf(name) + 1, size: sizeBytes });
  return `\n${hash('sha1', json, 'hex')}\t${json}`;
}

function contentFile(npm: string, content: string): string {
  const hex = hash('sha512', content, 'hex');
  return join(npm, '_cacache/content-v2/sha512', hex.slice(0, 2), hex.slice(2, 4), hex.slice(4));
}

function write(file: string, content: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}

function isFile(file: string, content: string): boolean {
  return existsSync(file) && readFileSync(file, 'utf8') === content;
}

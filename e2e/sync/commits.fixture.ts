import { hash } from 'node:crypto';
import { appendFileSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** Where a command finds its volumes: one of npm's, and a plain one. */
export interface VolumeDirs {
  readonly npm: string;
  readonly data: string;
}

/** Files of npm's index that all machines append to. */
const buckets = 3;

/** Which commits write to the plain volume as well: every one would double what 20 machines send each other. */
const dataEvery = 2;

/** What one run adds, in npm's own format: content named by its digest, a line that names it in a file that others write as well; and a file of the run's own here and there. */
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

/** What of these commits cannot be seen, each as `part: name`. Empty: all of it is there. */
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
  /** Those with a line in the index. */
  readonly names: ReadonlySet<string>;
  /** Commits with missing or changed content. There must be none. */
  readonly broken: readonly string[];
  /** Every file of the plain volume, by its path. */
  readonly files: ReadonlyMap<string, string>;
}

/** Those with a line in npm's index. */
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

/** As npm's own clean-up does it: contents go, and the lines that name them. */
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

/** `m7.3` is in a directory of its machine. */
export function dataPath(name: string): string {
  return name.replace('.', '/');
}

/** Whether such a commit writes to the plain volume. */
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

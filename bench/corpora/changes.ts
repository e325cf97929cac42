import { hash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Corpus } from './corpus.ts';
import { regularFiles } from './walk.ts';

/** The changed share of a corpus's files. */
const changedShare = 0.01;

export interface Changes {
  readonly files: number;
  readonly bytes: number;
}

/**
 * Creates a tree with one per cent of the corpus's files. Copied over a corpus (`cp -R`), it changes that as the tool would:
 * npm and Go only add files; in an unknown directory half of the files change and half are new. Each salt changes other files.
 */
export function makeChanges(corpus: Corpus, salt: string, targetDir: string): Changes {
  const files = regularFiles(corpus.filesDir);
  const count = Math.round(files.length * changedShare);
  let bytes = 0;
  const write = (path: string, content: Buffer | string): void => {
    bytes += content.length;
    mkdirSync(dirname(join(targetDir, path)), { recursive: true });
    writeFileSync(join(targetDir, path), content);
  };
  // Pairs: npm and Go add an index entry with each content.
  const content = files.filter((path) => isContent(corpus.name, path));
  for (const path of every(content, Math.round(count / 2))) {
    const salted = Buffer.concat([readFileSync(join(corpus.filesDir, path)), Buffer.from(salt)]);
    for (const [name, bytes] of pairOf(corpus.name, path, salted, salt)) write(name, bytes);
  }
  return { files: Math.round(count / 2) * 2, bytes };
}

function isContent(corpus: string, path: string): boolean {
  if (corpus === 'npm') return path.startsWith('content-v2/');
  return corpus !== 'go' || path.endsWith('-d');
}

function every(paths: readonly string[], count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => paths[Math.floor((index * paths.length) / count)] ?? '');
}

type NamedContent = readonly [path: string, content: Buffer | string];

function pairOf(corpus: string, path: string, salted: Buffer, salt: string): readonly NamedContent[] {
  switch (corpus) {
    case 'npm':
      return npmPair(salted);
    case 'go':
      return goPair(salted);
    default:
      return [
        [path, salted],
        [`${path}.${salt}`, salted],
      ];
  }
}

/** Returns files as cacache writes them: the content by its SHA-512, and a line in the bucket of its key. */
function npmPair(content: Buffer): readonly NamedContent[] {
  const digest = hash('sha512', content, 'buffer');
  const hex = digest.toString('hex');
  const key = `make-fetch-happen:request-cache:https://registry.example/${hex.slice(0, 16)}.tgz`;
  const entry = JSON.stringify({
    key,
    integrity: `sha512-${digest.toString('base64')}`,
    time: Date.now(),
    size: content.length,
  });
  const bucket = hash('sha256', key);
  return [
    [`content-v2/sha512/${fanned(hex)}`, content],
    [`index-v5/${fanned(bucket)}`, `\n${hash('sha1', entry)}\t${entry}`],
  ];
}

function fanned(hex: string): string {
  return `${hex.slice(0, 2)}/${hex.slice(2, 4)}/${hex.slice(4)}`;
}

function padded(value: number | bigint): string {
  return String(value).padStart(20);
}

/** Returns files as the go command writes them: the output by its SHA-256, and the entry of its action. */
function goPair(output: Buffer): readonly NamedContent[] {
  const outputId = hash('sha256', output);
  const actionId = hash('sha256', outputId);
  const entry = `v1 ${actionId} ${outputId} ${padded(output.length)} ${padded(BigInt(Date.now()) * 1_000_000n)}\n`;
  return [
    [`${outputId.slice(0, 2)}/${outputId}-d`, output],
    [`${actionId.slice(0, 2)}/${actionId}-a`, entry],
  ];
}

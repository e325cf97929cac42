import { execFileSync } from 'node:child_process';
import { mkdtempSync, mkdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tarArchive, type TarMember } from '@cachelane/testkit';
import type { ArchiveMember } from './archive-member.ts';
import { readArchive } from './read-archive.ts';
import { unpackMembers, type Unpacked } from './unpack-members.ts';

export const noAbort: AbortSignal = new AbortController().signal;

export interface ArchivePlace extends Disposable {
  readonly dir: string;
  /** Writes an archive and returns its path. */
  write(archive: readonly TarMember[] | Buffer): string;
  /** Returns all members, as `kind name`, with the content of files. */
  read(file: string): Promise<readonly (Omit<ArchiveMember, 'data'> & { readonly content: string })[]>;
  /** Unpacks into a fresh `out`. */
  unpack(file: string, root?: string): Promise<Unpacked>;
  readonly out: string;
  sh(script: string): string;
}

export function archivePlace(): ArchivePlace {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'cachelane-archive-')));
  const out = join(dir, 'out');
  return {
    dir,
    out,
    write(archive) {
      const file = join(dir, 'archive');
      writeFileSync(file, Buffer.isBuffer(archive) ? archive : tarArchive(archive));
      return file;
    },
    async read(file) {
      const all: (Omit<ArchiveMember, 'data'> & { readonly content: string })[] = [];
      for await (const { data, ...member } of readArchive(file, noAbort)) {
        const parts: Uint8Array[] = [];
        for await (const part of data) parts.push(Buffer.from(part));
        all.push({ ...member, content: Buffer.concat(parts).toString('latin1') });
      }
      return all;
    },
    async unpack(file, root = '') {
      rmSync(out, { recursive: true, force: true });
      mkdirSync(out);
      const hardLinks: ArchiveMember[] = [];
      for await (const member of readArchive(file, noAbort)) if (member.kind === 'hard link') hardLinks.push(member);
      return await unpackMembers(readArchive(file, noAbort), { dir: out, root, hardLinks });
    },
    sh: (script) =>
      execFileSync('sh', ['-euc', script], { cwd: dir, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }),
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }),
  };
}

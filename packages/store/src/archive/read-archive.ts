import { isCachelaneError, limits } from '@cachelane/core';
import { memberName, type ArchiveMember } from './archive-member.ts';
import { parseHeader, parseRecords, sparseRecord, textIn, withExtended, type RawHeader } from '../tar/read-header.ts';
import { blockBytes, paddingOf } from '../tar/tar-header.ts';
import { ArchiveSource, unreadable } from './archive-source.ts';

// Not `tar-stream` or `modern-tar`: both lose names that are not UTF-8, cut times, and return sparse files with the
// wrong content.

/** Limit of a long name or of attributes. */
const metaBytes = 1_048_576;

/**
 * Yields the members of a tar archive (V7, ustar, GNU, PAX; plain, gzip or zstd), in order.
 * Input is untrusted. Throws E_USAGE for an archive that is invalid, damaged, truncated or too large.
 */
export async function* readArchive(
  file: string,
  signal: AbortSignal,
  { mayBeEmpty = false }: { readonly mayBeEmpty?: boolean } = {},
): AsyncGenerator<ArchiveMember> {
  await using source = await ArchiveSource.open(file, signal);
  const reader: Reader = { file, source, globals: new Map() };
  let count = 0;
  for (;;) {
    const header = await nextMember(reader, count === 0);
    if (header === null) break;
    count += 1;
    if (count > limits.incomingEntries) {
      throw unreadable(file, `it has more than ${limits.incomingEntries} entries`, { hint: 'import a part of it' });
    }
    const content = new Content(source, header.sizeBytes);
    yield asMember(file, header, content);
    await content.skipRest();
  }
  if (count === 0 && !mayBeEmpty) throw unreadable(file, 'it is empty');
  await source.drain();
}

interface Reader {
  readonly file: string;
  readonly source: ArchiveSource;
  globals: ReadonlyMap<string, string>;
}

async function nextMember(reader: Reader, isFirst: boolean): Promise<RawHeader | null> {
  const { file, source } = reader;
  let records = reader.globals;
  let name: string | null = null;
  let linkName: string | null = null;
  for (;;) {
    const header = await nextHeader(reader, isFirst && records.size === 0);
    if (header === null) return null;
    const { type } = header;
    if (!/[xgLK]/.test(type)) {
      const full = withExtended(header, { records, name, linkName });
      if (full === null) throw unreadable(file, 'it is damaged');
      if (isSparse(type, records))
        throw unreadable(file, 'it has sparse files', { hint: 'make it without tar --sparse' });
      return { ...full, sizeBytes: hasContent(type) ? full.sizeBytes : 0 };
    }
    const body = await metaOf(reader, header);
    if (type === 'L') name = textIn(body, 0, body.length);
    else if (type === 'K') linkName = textIn(body, 0, body.length);
    else {
      const more = parseRecords(body);
      if (more === null) throw unreadable(file, 'it is damaged');
      records = new Map([...records, ...more]);
      if (type === 'g') reader.globals = new Map([...reader.globals, ...more]);
    }
    await source.skip(paddingOf(header.sizeBytes));
  }
}

/** Returns null at the archive's end. */
async function nextHeader({ file, source }: Reader, isFirst: boolean): Promise<RawHeader | null> {
  const block = await source.take(blockBytes).catch((error: unknown) => {
    // The file is shorter than a header, but not truncated.
    const isShort = isFirst && isCachelaneError(error, 'E_USAGE') && error.cause === undefined;
    throw isShort ? unreadable(file, 'it is not a tar archive', { cause: error }) : error;
  });
  if (block === null) throw unreadable(file, 'it ends too early');
  if (block.every((byte) => byte === 0)) return null;
  const header = parseHeader(block);
  if (header === null) throw unreadable(file, isFirst ? 'it is not a tar archive' : 'it is damaged');
  return header;
}

async function metaOf({ file, source }: Reader, { sizeBytes }: RawHeader): Promise<Buffer> {
  if (sizeBytes > metaBytes) throw unreadable(file, 'it has a name over the limit');
  const body = sizeBytes === 0 ? Buffer.alloc(0) : await source.take(sizeBytes);
  if (body === null) throw unreadable(file, 'it ends too early');
  // Copy: the next block overwrites this memory.
  return Buffer.from(body);
}

function isSparse(type: string, records: ReadonlyMap<string, string>): boolean {
  return type === 'S' || records.has(sparseRecord);
}

function hasContent(type: string): boolean {
  return !/[1-6]/.test(type);
}

class Content implements AsyncIterable<Uint8Array> {
  readonly #source: ArchiveSource;
  readonly #padding: number;
  #left: number;

  constructor(source: ArchiveSource, sizeBytes: number) {
    this.#source = source;
    this.#left = sizeBytes;
    this.#padding = paddingOf(sizeBytes);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    while (this.#left > 0) {
      const part = await this.#source.takeSome(this.#left);
      this.#left -= part.length;
      yield part;
    }
  }

  async skipRest(): Promise<void> {
    await this.#source.skip(this.#left + this.#padding);
    this.#left = 0;
  }
}

function asMember(
  file: string,
  { name, linkName, type, mode, sizeBytes, mtimeNs }: RawHeader,
  data: Content,
): ArchiveMember {
  const { kind, what } = kindOf(type, name);
  if (name === '') throw unreadable(file, 'it has an entry without a name');
  const to = kind === 'hard link' ? memberName(linkName) : linkName;
  return { name: memberName(name), kind, what, mode, mtimeNs, sizeBytes, linkName: to, data };
}

function kindOf(type: string, name: string): Pick<ArchiveMember, 'kind' | 'what'> {
  switch (type) {
    case '\0':
    case '0':
    case '7':
      // V7 has no type for directories.
      return name.endsWith('/') ? { kind: 'dir', what: 'a directory' } : { kind: 'file', what: 'a file' };
    case '5':
      return { kind: 'dir', what: 'a directory' };
    case '2':
      return { kind: 'symlink', what: 'a symlink' };
    case '1':
      return { kind: 'hard link', what: 'a hard link' };
    case '3':
    case '4':
      return { kind: 'special', what: 'a device' };
    case '6':
      return { kind: 'special', what: 'a fifo' };
    default:
      return { kind: 'special', what: `an entry of the unknown type ${JSON.stringify(type)}` };
  }
}

/** A member of an archive, valid or not. */
export interface TarMember {
  /** Each character is a byte; at most 100, or 4096 with a PAX record. */
  readonly name: string;
  /** The type letter; default `0`. */
  readonly type?: string;
  readonly content?: string | Uint8Array;
  /** The size in the header; default: the content's. */
  readonly sizeBytes?: number;
  readonly linkName?: string;
  readonly mode?: number;
  readonly mtime?: number;
  /** Records of a PAX header before it. */
  readonly pax?: Readonly<Record<string, string>>;
}

const blockBytes = 512;

/** Returns an archive with these members, also malformed ones. */
export function tarArchive(members: Iterable<TarMember>): Buffer {
  const parts: Buffer[] = [];
  for (const member of members) parts.push(...memberBlocks(member));
  parts.push(Buffer.alloc(2 * blockBytes));
  return Buffer.concat(parts);
}

function memberBlocks({ pax, ...member }: TarMember): readonly Buffer[] {
  const own = [header(member), padded(bytesOf(member.content ?? ''))];
  if (pax === undefined) return own;
  const records = Buffer.from(
    Object.entries(pax)
      .map(([key, value]) => paxRecord(key, value))
      .join(''),
    'latin1',
  );
  return [header({ name: 'pax', type: 'x', content: records }), padded(records), ...own];
}

function header({
  name,
  type = '0',
  content = '',
  sizeBytes,
  linkName = '',
  mode = 0o644,
  mtime = 0,
}: TarMember): Buffer {
  const block = Buffer.alloc(blockBytes);
  block.write(name.slice(0, 100), 0, 'latin1');
  block.write(mode.toString(8).padStart(7, '0'), 100);
  block.write('0000000', 108);
  block.write('0000000', 116);
  block.write((sizeBytes ?? content.length).toString(8).padStart(11, '0'), 124);
  block.write(mtime.toString(8).padStart(11, '0'), 136);
  block.write(type, 156, 'latin1');
  block.write(linkName.slice(0, 100), 157, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & (blockBytes - 1))]);
}

function paxRecord(key: string, value: string): string {
  const rest = key.length + value.length + 3;
  let length = rest + 1;
  while (rest + String(length).length > length) length++;
  return `${length} ${key}=${value}\n`;
}

function bytesOf(content: string | Uint8Array): Buffer {
  return typeof content === 'string' ? Buffer.from(content, 'latin1') : Buffer.from(content);
}

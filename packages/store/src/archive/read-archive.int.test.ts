import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { requireCommands, tarArchive } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { archivePlace, noAbort } from './archive.fixture.ts';
import { readArchive } from './read-archive.ts';

const longName = `${'d'.repeat(120)}/${'f'.repeat(200)}`;

requireCommands(
  'tar',
  'zstd',
  'gzip',
  'mkfifo',
)('an archive that tar wrote', () => {
  test.each(['gnu', 'posix', 'ustar', 'oldgnu', 'v7'])('in the format %s is read unchanged', async (format) => {
    using place = archivePlace();
    const names =
      format === 'v7' || format === 'ustar' ? '' : `mkdir -p ${longName.split('/')[0]}; echo long > ${longName}`;
    place.sh(`mkdir in; cd in; mkdir -m 750 d; printf 'x%.0s' $(seq 2000) > d/x; chmod 600 d/x; ln -s nowhere l; ln d/x h
      ${format === 'v7' ? '' : 'mkfifo p;'} printf 'u' > 'ä€'; touch -d '2001-02-03 04:05:06.123456789 UTC' d/x d; ${names}`);
    // Names that are not text, and one with a line feed.
    const odd = Buffer.from('in/\xff\n', 'latin1');
    writeFileSync(Buffer.concat([Buffer.from(`${place.dir}/`), odd]), 'odd');
    place.sh(`tar --format=${format} --sort=name -cf archive in`);
    const members = await place.read(join(place.dir, 'archive'));
    const of = (name: string): unknown => members.find((member) => member.name === name);
    expect(of('in/d')).toMatchObject({ kind: 'dir', mode: 0o750 });
    const ns = format === 'posix' ? 123_456_789n : 0n;
    const mtimeNs = 981_173_106_000_000_000n + ns;
    expect(of('in/d/x')).toMatchObject({ kind: 'file', mode: 0o600, mtimeNs, content: 'x'.repeat(2000) });
    expect(of('in/l')).toMatchObject({ kind: 'symlink', linkName: 'nowhere', content: '' });
    expect(of('in/h')).toMatchObject({ kind: 'hard link', linkName: 'in/d/x' });
    if (format !== 'v7') expect(of('in/p')).toMatchObject({ kind: 'special', what: 'a fifo' });
    expect(of('in/\xff\n')).toMatchObject({ kind: 'file', content: 'odd' });
    expect(of(`in/${Buffer.from('ä€').toString('latin1')}`)).toMatchObject({ content: 'u' });
    if (names !== '') expect(of(`in/${longName}`)).toMatchObject({ content: 'long\n' });
  });

  test.each([
    ['gzip', 'gzip'],
    ['zstd', 'zstd -q'],
    ['zstd of actions/cache', 'zstd -q -T0 --long=30'],
    ['two frames of zstd', 'sh -c "head -c 5000 | zstd -q; zstd -q"'],
  ])('compressed by %s is read', async (_, program) => {
    using place = archivePlace();
    place.sh(`mkdir in; head -c 300000 /dev/urandom > in/x; tar -cf plain in; ${program} < plain > archive`);
    const members = await place.read(join(place.dir, 'archive'));
    expect(members.map(({ name }) => name)).toEqual(['in', 'in/x']);
    expect(members[1]?.content).toBe(readFileSync(join(place.dir, 'in/x'), 'latin1'));
  });

  test('names with .. and absolute names stay unchanged', async () => {
    using place = archivePlace();
    place.sh(`mkdir -p w/work c/x; echo 1 > c/x/f; tar -P -C w/work -cf archive ../../c "$PWD/c/x/./f" 2>/dev/null`);
    const members = await place.read(join(place.dir, 'archive'));
    expect(members.map(({ name }) => name)).toEqual(['../../c', '../../c/x', '../../c/x/f', `${place.dir}/c/x/f`]);
  });

  test('with sparse files is refused in both formats that tar writes', async () => {
    using place = archivePlace();
    for (const format of ['gnu', 'posix']) {
      place.sh(`truncate -s 10M s; echo end >> s; tar --sparse --format=${format} -cf archive s`);
      await expect(place.read(join(place.dir, 'archive'))).rejects.toMatchObject({
        code: 'E_USAGE',
        message: expect.stringContaining('it has sparse files') as unknown,
      });
    }
  });
});

async function readToEnd(file: string): Promise<void> {
  for await (const { name } of readArchive(file, noAbort)) expect(name).not.toBe('');
}

describe('an invalid archive', () => {
  const good = tarArchive([
    { name: 'a', content: 'a'.repeat(3000) },
    { name: 'b', content: 'b' },
  ]);
  const flipped = Buffer.from(good);
  flipped[5] = 1;
  const laterFlipped = Buffer.from(good);
  laterFlipped[512 + 3072 + 3] = 1;

  test.each<readonly [string, Buffer, string]>([
    ['an empty file', Buffer.alloc(0), 'it is empty'],
    ['an archive without members', tarArchive([]), 'it is empty'],
    ['text', Buffer.from('no archive at all\n'.repeat(100)), 'it is not a tar archive'],
    ['a little text', Buffer.from('no archive'), 'it is not a tar archive'],
    ['a damaged first header', flipped, 'it is not a tar archive'],
    ['a damaged second header', laterFlipped, 'it is damaged'],
    ['an archive that ends inside a content', good.subarray(0, 1000), 'it ends too early'],
    ['an archive that ends between members', good.subarray(0, 512 + 3072), 'it ends too early'],
    ['an archive that ends inside a header', good.subarray(0, 512 + 3072 + 100), 'it ends too early'],
    ['cut gzip', gzipSync(good).subarray(0, 60), 'it ends too early'],
    ['gzip without its last bytes', gzipSync(good).subarray(0, -3), 'it ends too early'],
    ['cut zstd', zstdCompressSync(good).subarray(0, 40), 'it ends too early'],
    [
      'damaged gzip',
      Buffer.concat([gzipSync(good).subarray(0, 14), Buffer.alloc(40, 0xaa)]),
      'its compression is damaged',
    ],
    ['gzip of text', gzipSync(Buffer.from('text')), 'it is not a tar archive'],
    ['xz', Buffer.from('\xfd7zXZ\0 and so on', 'latin1'), 'it is compressed with xz'],
    ['bzip2', Buffer.from('BZh91AY', 'latin1'), 'it is compressed with bzip2'],
    ['zip', Buffer.from('PK\x03\x04....', 'latin1'), 'it is compressed with zip'],
    ['a huge size', tarArchive([{ name: 'a', sizeBytes: 8 ** 11 - 1 }]), 'it ends too early'],
    ['a name of megabytes', tarArchive([{ name: 'a', type: 'L', sizeBytes: 8 ** 11 - 1 }]), 'a name over the limit'],
    ['an invalid size', tarArchive([{ name: 'a', pax: { size: '-1' } }]), 'it is damaged'],
    ['an invalid time', tarArchive([{ name: 'a', pax: { mtime: 'now' } }]), 'it is damaged'],
    ['no name', tarArchive([{ name: '' }]), 'an entry without a name'],
  ])('%s', async (_, bytes, why) => {
    using place = archivePlace();
    const end = await place.read(place.write(bytes)).catch((error: unknown) => error);
    expect(end).toMatchObject({ code: 'E_USAGE', message: expect.stringContaining(why) as unknown });
    expect(end).toHaveProperty('hint', expect.stringMatching(/./));
  });

  test('a small file that expands too much', async () => {
    using place = archivePlace();
    const file = join(place.dir, 'zeros');
    writeFileSync(file, tarArchive([{ name: 'a', sizeBytes: 1_200_000_000 }]).subarray(0, 512));
    truncateSync(file, 1_200_001_024);
    place.sh('zstd -q -1 zeros -o archive; rm zeros');
    await expect(readToEnd(join(place.dir, 'archive'))).rejects.toMatchObject({
      message: expect.stringContaining('expands to more than 1000 times') as unknown,
    });
  });

  test('a reader that stops or aborts leaves no file open', async () => {
    using place = archivePlace();
    const file = place.write(tarArchive([{ name: 'a', content: Buffer.alloc(9_000_000) }]));
    const open = (): string => place.sh(`ls -l /proc/${process.pid}/fd 2>/dev/null | grep -c ${file} || :`).trim();
    for await (const member of readArchive(file, noAbort)) {
      expect(member.name).toBe('a');
      break;
    }
    const stopped = AbortSignal.abort();
    await expect(readArchive(file, stopped).next()).rejects.toMatchObject({ code: 'E_ABORTED' });
    expect(open()).toBe('0');
  });
});

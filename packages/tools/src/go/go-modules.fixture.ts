import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

export interface GoModule {
  /** In lower case, since capitals are escaped. */
  readonly path: string;
  readonly version: string;
  /** By path in the module. */
  readonly files: Readonly<Record<string, string>>;
}

/** Writes modules for `GOPROXY=file://<dir>`. */
export function writeGoProxy(dir: string, modules: readonly GoModule[]): void {
  for (const { path, version, files } of modules) {
    const folder = join(dir, path, '@v');
    const manifest = `module ${path}\n\ngo 1.24\n`;
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'list'), `${version}\n`, { flag: 'a' });
    writeFileSync(join(folder, `${version}.info`), JSON.stringify({ Version: version, Time: '2026-01-01T00:00:00Z' }));
    writeFileSync(join(folder, `${version}.mod`), manifest);
    writeFileSync(
      join(folder, `${version}.zip`),
      goModuleZip({ path, version, files: { 'go.mod': manifest, ...files } }),
    );
  }
}

/** Returns an uncompressed module zip, with all files below `<module>@<version>/`. */
export function goModuleZip({ path, version, files }: GoModule): Uint8Array {
  const entries: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [file, text] of Object.entries(files)) {
    const name = Buffer.from(`${path}@${version}/${file}`);
    const content = Buffer.from(text);
    // From "version needed" to "extra field length", the same in both headers (APPNOTE.TXT 4.3.7, 4.3.12).
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(content.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(name.length, 22);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    const entry = Buffer.concat([signature(0x0403), common, name, content]);
    directory.push(Buffer.concat([signature(0x0201), Buffer.of(20, 0), common, place, name]));
    entries.push(entry);
    offset += entry.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(entries.length, 4);
  end.writeUInt16LE(entries.length, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...entries, central, signature(0x0605), end]);
}

function signature(kind: number): Buffer {
  return Buffer.from([0x50, 0x4b, kind & 0xff, kind >> 8]);
}

/**
 * MessagePack, also as the `msgpackr` library writes it with records: objects of one shape share a list of keys that is written
 * before the first of them. Maps with any keys and plain objects both come out as maps. Throws on what it does not know.
 */
export function readMessagePack(content: Uint8Array): unknown {
  const reader = new Reader(content);
  const value = reader.value();
  if (!reader.isAtEnd) throw new Error('there is more after the value');
  return value;
}

/** Type of the extension that begins a record: its id, then the keys, then the values. */
const recordType = 0x72;

/** A file that nests deeper than this was made to be trouble. */
const depthMax = 64;

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #records = new Map<number, readonly unknown[]>();
  #at = 0;
  #depth = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  value(): unknown {
    this.#depth += 1;
    if (this.#depth > depthMax) throw new Error('nested too deep');
    const value = this.#valueOf(this.#number('getUint8', 1));
    this.#depth -= 1;
    return value;
  }

  #valueOf(token: number): unknown {
    if (token < 0x80) return this.#records.has(token) ? this.#record(token) : token;
    if (token < 0x90) return this.#map(token & 0x0f);
    if (token < 0xa0) return this.#array(token & 0x0f);
    if (token < 0xc0) return this.#text(token & 0x1f);
    if (token >= 0xe0) return token - 0x100;
    return this.#sized(token) ?? this.#plain(token);
  }

  #plain(token: number): unknown {
    switch (token) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xca:
        return this.#number('getFloat32', 4);
      case 0xcb:
        return this.#number('getFloat64', 8);
      case 0xcc:
        return this.#number('getUint8', 1);
      case 0xcd:
        return this.#number('getUint16', 2);
      case 0xce:
        return this.#number('getUint32', 4);
      case 0xcf:
        return Number(this.#view.getBigUint64(this.#skip(8)));
      case 0xd0:
        return this.#number('getInt8', 1);
      case 0xd1:
        return this.#number('getInt16', 2);
      case 0xd2:
        return this.#number('getInt32', 4);
      case 0xd3:
        return Number(this.#view.getBigInt64(this.#skip(8)));
      case 0xd4:
        return this.#extension();
      default:
        throw new Error(`no such token: ${token}`);
    }
  }

  /** Tokens with a length after them; undefined for all others. */
  #sized(token: number): unknown {
    switch (token) {
      case 0xc4:
        return this.#binary(this.#number('getUint8', 1));
      case 0xc5:
        return this.#binary(this.#number('getUint16', 2));
      case 0xc6:
        return this.#binary(this.#number('getUint32', 4));
      case 0xd9:
        return this.#text(this.#number('getUint8', 1));
      case 0xda:
        return this.#text(this.#number('getUint16', 2));
      case 0xdb:
        return this.#text(this.#number('getUint32', 4));
      case 0xdc:
        return this.#array(this.#number('getUint16', 2));
      case 0xdd:
        return this.#array(this.#number('getUint32', 4));
      case 0xde:
        return this.#map(this.#number('getUint16', 2));
      case 0xdf:
        return this.#map(this.#number('getUint32', 4));
      default:
        return undefined;
    }
  }

  #extension(): unknown {
    const type = this.#number('getUint8', 1);
    const id = this.#number('getUint8', 1);
    // Of one byte there is else only msgpackr's `undefined`.
    if (type === 0) return null;
    const keys = this.value();
    if (type !== recordType || !Array.isArray(keys)) throw new Error(`no such extension: ${type}`);
    this.#records.set(id, keys);
    return this.#record(id);
  }

  #record(id: number): ReadonlyMap<unknown, unknown> {
    return new Map((this.#records.get(id) ?? []).map((key) => [key, this.value()]));
  }

  #map(count: number): ReadonlyMap<unknown, unknown> {
    const map = new Map<unknown, unknown>();
    for (let index = 0; index < count; index++) {
      const key = this.value();
      map.set(key, this.value());
    }
    return map;
  }

  #array(count: number): readonly unknown[] {
    const array: unknown[] = [];
    for (let index = 0; index < count; index++) array.push(this.value());
    return array;
  }

  #text(length: number): string {
    const from = this.#skip(length);
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + from, length).toString('utf8');
  }

  #binary(length: number): Uint8Array {
    const from = this.#skip(length);
    return this.#bytes.subarray(from, from + length);
  }

  #number(
    kind: 'getUint8' | 'getUint16' | 'getUint32' | 'getInt8' | 'getInt16' | 'getInt32' | 'getFloat32' | 'getFloat64',
    length: number,
  ): number {
    return this.#view[kind](this.#skip(length));
  }

  /** The place before. Throws where the content ends first. */
  #skip(length: number): number {
    const from = this.#at;
    if (length > this.#bytes.length - from) throw new Error('cut short');
    this.#at += length;
    return from;
  }
}

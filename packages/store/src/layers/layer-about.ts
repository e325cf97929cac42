import { readFileSync } from 'node:fs';
import { CachelaneError, parseDigest, type Digest } from '@cachelane/core';
import { layerPaths } from '../files/home-paths.ts';
import type { Owner } from '../files/store-files.ts';

/** What `layer.json` says of a layer beyond its index. */
export interface LayerAbout {
  /** Of the index's bytes; a layer's id. */
  readonly index: Digest;
  readonly sealedAtMs: number;
  /** Entries of the index. */
  readonly entries: number;
  /** Content of all entries. */
  readonly sizeBytes: number;
  /** The boot during which it was written: until it is marked as settled, another boot may find it damaged. */
  readonly bootId: string;
  /** Set where the layer is an image: to whom the image says that its files belong. Null for a tree. */
  readonly imageOwner: Owner | null;
}

/** Of a layer that is an image; a tree is version 1, as ever, so that older programs still read it. */
const aboutVersion = 2;

export function encodeAbout({ imageOwner, ...about }: LayerAbout): Uint8Array {
  const said =
    imageOwner === null
      ? { version: 1, ...about }
      : { version: aboutVersion, ...about, form: 'image', uid: imageOwner.uid, gid: imageOwner.gid };
  return Buffer.from(`${JSON.stringify(said)}\n`);
}

/** Throws E_LAYER_CORRUPT, E_STORE_NEWER, and the system's errors. */
export function readAbout(dir: string): LayerAbout {
  const file = layerPaths(dir).about;
  const parsed = parse(readFileSync(file, 'utf8'));
  if (typeof parsed['version'] === 'number' && parsed['version'] > aboutVersion) {
    throw new CachelaneError('E_STORE_NEWER', `${file} has version ${parsed['version']}; this is for ${aboutVersion}`, {
      hint: 'use the cachelane that wrote it, or a later one',
    });
  }
  const { index, sealedAtMs, entries, sizeBytes, bootId } = parsed;
  const isWhole = isCount(sealedAtMs) && isCount(entries) && isCount(sizeBytes);
  if (typeof index !== 'string' || !isWhole || typeof bootId !== 'string') throw damagedAbout(file);
  return {
    index: digestIn(index, file),
    sealedAtMs,
    entries,
    sizeBytes,
    bootId,
    imageOwner: imageOwnerIn(parsed, file),
  };
}

function imageOwnerIn({ version, form, uid, gid }: Readonly<Record<string, unknown>>, file: string): Owner | null {
  if (version !== aboutVersion) return null;
  if (form !== 'image' || !isOwnerId(uid) || !isOwnerId(gid)) throw damagedAbout(file);
  return { uid, gid };
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    // A power loss can leave the file empty or cut short; the fields will be found missing.
    return {};
  }
}

function digestIn(text: string, file: string): Digest {
  try {
    return parseDigest(text);
  } catch {
    throw damagedAbout(file);
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** An image has 32 bits for it; the kernel means nobody by the last one. */
function isOwnerId(value: unknown): value is number {
  return isCount(value) && value < 2 ** 32 - 1;
}

function damagedAbout(file: string): CachelaneError {
  return new CachelaneError('E_LAYER_CORRUPT', `${file} is damaged`, {
    hint: 'the next run takes damaged layers out of use, and makes again what they held',
  });
}

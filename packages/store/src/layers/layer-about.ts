import { readFileSync } from 'node:fs';
import { CachelaneError, parseDigest, type Digest } from '@cachelane/core';
import { layerPaths } from '../files/home-paths.ts';
import type { Owner } from '../files/store-files.ts';

/** The contents of `layer.json`. */
export interface LayerAbout {
  /** The digest of the index: the layer's id. */
  readonly index: Digest;
  readonly sealedAtMs: number;
  /** The number of entries in the index. */
  readonly entries: number;
  /** Content of all entries together. */
  readonly sizeBytes: number;
  /** The boot that wrote the layer. Until the layer is settled, a power cut may damage it. */
  readonly bootId: string;
  /** The owner of all files in an image. Null for a tree. */
  readonly imageOwner: Owner | null;
}

const aboutVersion = 1;

export function encodeAbout({ imageOwner, ...about }: LayerAbout): Uint8Array {
  const form = imageOwner === null ? { form: 'tree' } : { form: 'image', uid: imageOwner.uid, gid: imageOwner.gid };
  return Buffer.from(`${JSON.stringify({ version: aboutVersion, ...about, ...form })}\n`);
}

/** Throws E_LAYER_CORRUPT, E_STORE_NEWER, and the system's errors. */
export function readAbout(dir: string): LayerAbout {
  const file = layerPaths(dir).about;
  const parsed = parse(readFileSync(file, 'utf8'));
  const { version } = parsed;
  if (typeof version === 'number' && version > aboutVersion) {
    throw new CachelaneError('E_STORE_NEWER', `${file} has version ${version}; this cachelane reads ${aboutVersion}`, {
      hint: 'update cachelane',
    });
  }
  if (version !== aboutVersion) throw damagedAbout(file);
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

function imageOwnerIn({ form, uid, gid }: Readonly<Record<string, unknown>>, file: string): Owner | null {
  if (form === 'tree') return null;
  if (form !== 'image' || !isOwnerId(uid) || !isOwnerId(gid)) throw damagedAbout(file);
  return { uid, gid };
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    // A power cut can leave the file empty or cut short. The caller reports the missing fields.
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

/** An image stores 32 bits, and the kernel reserves the highest id. */
function isOwnerId(value: unknown): value is number {
  return isCount(value) && value < 2 ** 32 - 1;
}

function damagedAbout(file: string): CachelaneError {
  return new CachelaneError('E_LAYER_CORRUPT', `${file} is damaged`, {
    hint: 'the next run takes damaged layers out of use',
  });
}

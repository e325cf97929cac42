import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  CachelaneError,
  formatPolicyValue,
  isCachelaneError,
  limits,
  parseImageReference,
  type ImageReference,
  type Provider,
  type ProviderRoom,
} from '@cachelane/core';
import { ImageCache } from './image-cache.ts';
import { readImage, type ImageManifest, type Platform } from './image-manifest.ts';
import { openRegistry, type Registry } from './registry.ts';

export interface OciProviderOptions {
  /** Below the home; pulled images stay there by digest. */
  readonly dir: string;
  readonly bootId: string;
  readonly clock: { nowMs(): number };
  readonly platform: Platform;
  /** Unpacks layers onto each other, lowest first. Throws for contents that no cache may have. */
  readonly unpack: (
    layers: readonly string[],
    into: { readonly dir: string; readonly maxBytes: number; readonly why: string },
    signal: AbortSignal,
  ) => Promise<{ readonly linksLeftOut: number }>;
}

/**
 * Provides the files of an image as a seed. A cached image is not requested again by its digest. Tags are resolved
 * each time; without the registry, the last answer counts.
 */
export function ociProvider(options: OciProviderOptions): Provider {
  const { dir, bootId, clock } = options;
  return {
    kind: 'oci',
    async provide({ argument, fetch }, signal) {
      const image = parseImageReference(argument);
      const cache = new ImageCache({ dir, bootId, nowMs: clock.nowMs() });
      const known = image.digest === null ? null : cachedUnder(cache, image, image.digest);
      if (known !== null) return { kind: 'seed', directory: known };
      // A look must not use the network, although the registry may know more.
      if (fetch === null) return { kind: 'seed', directory: cachedUnder(cache, image, nameOf(image)) ?? `${dir}/none` };
      return { kind: 'seed', directory: await asked(cache, { ...options, image, room: fetch }, signal) };
    },
  };
}

interface Asking extends OciProviderOptions {
  readonly image: ImageReference;
  readonly room: ProviderRoom;
}

async function asked(cache: ImageCache, { image, room, ...options }: Asking, signal: AbortSignal): Promise<string> {
  const registry = openRegistry(image);
  const { platform } = options;
  const maxBytes = limits.providedImageBytes;
  let manifest: ImageManifest;
  try {
    manifest = await readImage(registry, image, { platform, maxBytes }, signal);
  } catch (error) {
    const last = isCachelaneError(error, 'E_REMOTE_GONE') ? cachedUnder(cache, image, nameOf(image)) : null;
    if (last === null) throw error;
    return last;
  }
  const found = cache.find(manifest.digest) ?? (await pulled(cache, { registry, manifest, options, room }, signal));
  cache.noteTag(nameOf(image), manifest.digest);
  if (image.digest !== null) cache.noteTag(image.digest, manifest.digest);
  return found;
}

/** An index has another digest than its image for this machine. */
function cachedUnder(cache: ImageCache, { digest }: ImageReference, name: string): string | null {
  const noted = cache.tagged(name) ?? digest;
  return noted === null ? null : cache.find(noted);
}

interface Pulling {
  readonly registry: Registry;
  readonly manifest: ImageManifest;
  readonly options: OciProviderOptions;
  readonly room: ProviderRoom;
}

async function pulled(
  cache: ImageCache,
  { registry, manifest, options, room }: Pulling,
  signal: AbortSignal,
): Promise<string> {
  const most = mostOf(manifest, room);
  return await cache.add(manifest.digest, async ({ scratch, tree }) => {
    const files: string[] = [];
    for (const [index, layer] of manifest.layers.entries()) {
      const file = join(scratch, String(index));
      await registry.blob(layer, file, signal);
      files.push(file);
    }
    const { linksLeftOut } = await options.unpack(files, { dir: tree, ...most }, signal);
    // Readers report this number.
    if (linksLeftOut > 0) writeFileSync(join(dirname(tree), 'left-out'), String(linksLeftOut));
  });
}

const text = (bytes: number): string => formatPolicyValue('volume-size', bytes);

/**
 * Returns the maximum size of the files, which share the disk with the compressed layers for a while. Errors: E_QUOTA
 * if not even these fit.
 */
function mostOf({ sizeBytes }: ImageManifest, { seedBytes, diskBytes }: ProviderRoom): Most {
  const free = diskBytes - sizeBytes;
  const most = Math.min(limits.providedImageBytes, seedBytes, free);
  if (free <= 0) {
    throw new CachelaneError(
      'E_QUOTA',
      `it has ${text(sizeBytes)} of layers, and the disk has room for ${text(diskBytes)}`,
      {
        hint: 'free some space, or lower the policy free-space (cachelane ns policy shows it)',
      },
    );
  }
  if (most === limits.providedImageBytes) return { maxBytes: most, why: 'no image may have more' };
  const why =
    most === seedBytes
      ? 'a seed may hold no more (policy volume-size)'
      : 'the disk has no room for more (policy free-space)';
  return { maxBytes: most, why };
}

interface Most {
  readonly maxBytes: number;
  /** The reason for the maximum, one sentence. */
  readonly why: string;
}

function nameOf({ host, repository, tag, digest }: ImageReference): string {
  return JSON.stringify([host, repository, tag, digest]);
}

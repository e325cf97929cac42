import { join } from 'node:path';
import { isCachelaneError, limits, parseImageReference, type ImageReference, type Provider } from '@cachelane/core';
import { ImageCache } from './image-cache.ts';
import { readImage, type ImageManifest, type Platform } from './image-manifest.ts';
import { openRegistry, type Registry } from './registry.ts';

export interface OciProviderOptions {
  /** Of the home: what was pulled stays there by its digest. */
  readonly dir: string;
  readonly bootId: string;
  readonly clock: { nowMs(): number };
  readonly platform: Platform;
  /** Puts layers over each other, the lowest first; throws for what no cache may hold. */
  readonly unpack: (
    layers: readonly string[],
    into: { readonly dir: string; readonly maxBytes: number },
    signal: AbortSignal,
  ) => Promise<unknown>;
}

/** The files of an image as a seed. An image that is here is not asked for again by its digest; of a tag, the registry is asked each time, and where it is gone, what it said last counts. */
export function ociProvider(options: OciProviderOptions): Provider {
  const { dir, bootId, clock } = options;
  return {
    kind: 'oci',
    async provide({ argument }, signal) {
      const image = parseImageReference(argument);
      const cache = new ImageCache({ dir, bootId, nowMs: clock.nowMs() });
      const known = image.digest === null ? null : cachedUnder(cache, image, image.digest);
      const directory = known ?? (await asked(cache, { ...options, image }, signal));
      return { kind: 'seed', directory };
    },
  };
}

interface Asking extends OciProviderOptions {
  readonly image: ImageReference;
}

async function asked(cache: ImageCache, { image, ...options }: Asking, signal: AbortSignal): Promise<string> {
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
  const found = cache.find(manifest.digest) ?? (await pulled(cache, { registry, manifest, options }, signal));
  cache.noteTag(nameOf(image), manifest.digest);
  if (image.digest !== null) cache.noteTag(image.digest, manifest.digest);
  return found;
}

/** An index has another digest than the image that it names for this machine. */
function cachedUnder(cache: ImageCache, { digest }: ImageReference, name: string): string | null {
  const noted = cache.tagged(name) ?? digest;
  return noted === null ? null : cache.find(noted);
}

interface Pulling {
  readonly registry: Registry;
  readonly manifest: ImageManifest;
  readonly options: OciProviderOptions;
}

async function pulled(
  cache: ImageCache,
  { registry, manifest, options }: Pulling,
  signal: AbortSignal,
): Promise<string> {
  return await cache.add(manifest.digest, async ({ scratch, tree }) => {
    const files: string[] = [];
    for (const [index, layer] of manifest.layers.entries()) {
      const file = join(scratch, String(index));
      await registry.blob(layer, file, signal);
      files.push(file);
    }
    await options.unpack(files, { dir: tree, maxBytes: limits.providedImageBytes }, signal);
  });
}

function nameOf({ host, repository, tag, digest }: ImageReference): string {
  return JSON.stringify([host, repository, tag, digest]);
}

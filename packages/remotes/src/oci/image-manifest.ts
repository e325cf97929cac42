import { CachelaneError, type ImageReference } from '@cachelane/core';
import { manifestTypes, type Descriptor, type Manifest, type Registry } from './registry.ts';

/** As in Node: `linux`, `x64`. */
export interface Platform {
  readonly os: string;
  readonly arch: string;
}

export interface ImageManifest {
  readonly digest: string;
  /** Lowest first. */
  readonly layers: readonly Descriptor[];
  /** Total size of the compressed layers. */
  readonly sizeBytes: number;
}

const architectures: Readonly<Record<string, string>> = {
  x64: 'amd64',
  ia32: '386',
  arm64: 'arm64',
  arm: 'arm',
  ppc64: 'ppc64le',
};
const systems: Readonly<Record<string, string>> = { win32: 'windows' };
const layersAtMost = 128;

/**
 * Reads an image, of an index the one for this platform. Errors: those of the registry; E_NOT_FOUND without an image
 * for this platform; E_REMOTE_UNFIT for other documents; E_LIMIT.
 */
export async function readImage(
  registry: Registry,
  { tag, digest }: Pick<ImageReference, 'tag' | 'digest'>,
  { platform, maxBytes }: { readonly platform: Platform; readonly maxBytes: number },
  signal: AbortSignal,
): Promise<ImageManifest> {
  const top = await registry.manifest(digest ?? tag ?? 'latest', signal);
  let manifest = top;
  if (kindOf(top) === 'index') {
    const chosen = chosenOf(top, platform);
    manifest = await registry.manifest(chosen.digest, signal);
    if (kindOf(manifest) !== 'image' || typeOf(manifest) !== chosen.mediaType) throw noImage();
  }
  const layers = listOf(manifest.content, 'layers').map(descriptorOf);
  if (layers.length > layersAtMost) throw tooLarge(`more than ${layersAtMost} layers`);
  const bytes = layers.reduce((sum, layer) => sum + layer.sizeBytes, 0);
  if (bytes > maxBytes) throw tooLarge(`${bytes} bytes of layers, at most ${maxBytes} are allowed`);
  return { digest: manifest.digest, layers, sizeBytes: bytes };
}

/**
 * Returns the kind from the content, which the digest covers; server headers may change. A document of both kinds is
 * refused, because one digest would mean two images. Errors: E_REMOTE_UNFIT.
 */
function kindOf(manifest: Manifest): 'index' | 'image' {
  const { content } = manifest;
  const has = (field: string): boolean => Object.hasOwn(content as object, field);
  const [isIndex, isImage] = [has('manifests'), has('layers') || has('config')];
  if (isIndex === isImage) throw noImage();
  const kind = isIndex ? 'index' : 'image';
  if (!(manifestTypes[kind] as readonly string[]).includes(typeOf(manifest))) throw noImage();
  return kind;
}

/** The document's own type and the server's must agree if both exist. */
function typeOf({ mediaType, content }: Manifest): string {
  const { mediaType: own } = content as { readonly mediaType?: unknown };
  const known: readonly string[] = [...manifestTypes.index, ...manifestTypes.image];
  const said = known.includes(mediaType) ? mediaType : null;
  if (own === undefined) return said ?? '';
  if (typeof own !== 'string' || (said !== null && said !== own)) throw noImage();
  return own;
}

function chosenOf({ content }: Manifest, { os, arch }: Platform): Descriptor {
  const wanted = `${systems[os] ?? os}/${architectures[arch] ?? arch}`;
  const all = listOf(content, 'manifests').map((each) => ({ ...descriptorOf(each), platform: platformOf(each) }));
  const found = all.find(({ platform }) => platform === wanted);
  if (found !== undefined) return found;
  const others = all.flatMap(({ platform }) => (platform === null ? [] : [platform]));
  // A single image without a platform suits every machine.
  const [only] = all;
  if (only !== undefined && all.length === 1 && only.platform === null) return only;
  throw new CachelaneError('E_NOT_FOUND', `it has no image for ${wanted}`, {
    hint: `it has images for ${[...new Set(others)].slice(0, 8).join(', ') || 'no known platform'}`,
  });
}

/** Returns null without a platform, and for attestations. */
function platformOf(each: unknown): string | null {
  const { platform } = each as { readonly platform?: { readonly os?: unknown; readonly architecture?: unknown } };
  const { os, architecture } = platform ?? {};
  const isPlain = [os, architecture].every((text) => typeof text === 'string' && /^[a-z0-9]{1,16}$/.test(text));
  return isPlain ? `${String(os)}/${String(architecture)}` : null;
}

function listOf(content: unknown, field: string): readonly unknown[] {
  const list = (content as Readonly<Record<string, unknown>>)[field];
  if (Array.isArray(list)) return list as readonly unknown[];
  throw noImage();
}

function descriptorOf(each: unknown): Descriptor {
  const { mediaType, digest, size } = (each ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof mediaType === 'string' && typeof digest === 'string' && /^sha256:[0-9a-f]{64}$/.test(digest)) {
    if (typeof size === 'number' && Number.isSafeInteger(size) && size >= 0)
      return { mediaType, digest, sizeBytes: size };
  }
  throw noImage();
}

function noImage(): CachelaneError {
  return new CachelaneError('E_REMOTE_UNFIT', 'the registry has no usable image of this name');
}

function tooLarge(what: string): CachelaneError {
  return new CachelaneError('E_LIMIT', `it has ${what}`, { hint: 'make an image that contains only the cache' });
}

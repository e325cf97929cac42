import { CachelaneError, type ImageReference } from '@cachelane/core';
import { manifestTypes, type Descriptor, type Manifest, type Registry } from './registry.ts';

/** As Node has them: `linux`, `x64`. */
export interface Platform {
  readonly os: string;
  readonly arch: string;
}

export interface ImageManifest {
  readonly digest: string;
  /** The lowest first. */
  readonly layers: readonly Descriptor[];
  /** Of all layers, as they are sent. */
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

/** Of an image for several platforms that of this machine. Errors: those of the registry; E_NOT_FOUND where there is none for this machine; E_REMOTE_UNFIT for what is no image; E_LIMIT. */
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
  if (bytes > maxBytes) throw tooLarge(`${bytes} bytes of layers, and at most ${maxBytes} are taken in`);
  return { digest: manifest.digest, layers, sizeBytes: bytes };
}

/**
 * What a document is, is said by what is in it, which its digest stands for; what a server says beside it may change. One that could be read as both is neither: the same digest would be two images. Errors: E_REMOTE_UNFIT.
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

/** What it says of itself and what the server says of it are the same, where both say something. */
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
  // Contents that suit every machine need no platform.
  const [only] = all;
  if (only !== undefined && all.length === 1 && only.platform === null) return only;
  throw new CachelaneError('E_NOT_FOUND', `it has no image for ${wanted}`, {
    hint: `it has some for ${[...new Set(others)].slice(0, 8).join(', ') || 'nothing that it names'}`,
  });
}

/** Null: it says nothing, or is no image but what is said of one. */
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
  return new CachelaneError('E_REMOTE_UNFIT', 'what the registry has under this name is no image that is known');
}

function tooLarge(what: string): CachelaneError {
  return new CachelaneError('E_LIMIT', `it has ${what}`, { hint: 'make an image of the cache alone' });
}

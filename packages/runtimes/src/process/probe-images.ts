import { inflateRawSync } from 'node:zlib';
import { type OverlayProbe, probeMount, type ProbeOptions } from './probe-overlay.ts';

/**
 * What `mkfs.erofs -b512 -T0 --all-root -x-1` makes of a directory with a file `seen`: blocks of 512 bytes as in the images of layers,
 * which older kernels refuse.
 */
const tinyImage =
  'Y2AYBaNgFIxU8Ojh1wcgmomBgYGTQQVMowNmGtrPwsDA8NaRiUEbyv////9/RiR5FTjNBGerMjAxqEPZ6gyMDHp6esWpqXk4zV/SyMjAiGQ+sh+5Rnj8AwA=';

/**
 * Whether runs here can have layers in images: like {@link probeOverlay}, by a real run with a tiny one. To be asked when there is something to
 * decide (how layers from elsewhere are kept), not at each run: it takes as long as one. Behind bubblewrap an ordinary user is told no at once.
 */
export async function canMountImages(options: ProbeOptions): Promise<OverlayProbe> {
  return await probeMount(options, inflateRawSync(Buffer.from(tinyImage, 'base64')));
}

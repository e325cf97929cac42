import { inflateRawSync } from 'node:zlib';
import { type OverlayProbe, probeMount, type ProbeOptions } from './probe-overlay.ts';

/**
 * The output of `mkfs.erofs -b512 -T0 --all-root -x-1` for a directory with a file `seen`. Images of layers use blocks of 512 bytes too,
 * which older kernels refuse.
 */
const tinyImage =
  'Y2AYBaNgFIxU8Ojh1wcgmomBgYGTQQVMowNmGtrPwsDA8NaRiUEbyv////9/RiR5FTjNBGerMjAxqEPZ6gyMDHp6esWpqXk4zV/SyMjAiGQ+sh+5Rnj8AwA=';

/**
 * Tests with a real run whether images of layers can be mounted here, like {@link probeOverlay}. As slow as a run, so call it only for
 * decisions about storing pulled layers. Returns no at once for an ordinary user with bubblewrap.
 */
export async function canMountImages(options: ProbeOptions): Promise<OverlayProbe> {
  return await probeMount(options, inflateRawSync(Buffer.from(tinyImage, 'base64')));
}

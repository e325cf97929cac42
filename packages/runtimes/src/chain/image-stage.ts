import type { LayerImage, Mount } from '@cachelane/core';
import { mountWord } from '../system/proc.ts';
import { findSystemTools, type SystemTools } from './sudo-tools.ts';

/** Beside those of every run with mounts; root's own programs, wherever the PATH leads. */
export type ImageTools = SystemTools<'sh' | 'unshare' | 'mount'>;

export const findImageTools = (): ReturnType<typeof findSystemTools<'sh' | 'unshare' | 'mount'>> =>
  findSystemTools(['sh', 'unshare', 'mount']);

/** The images of all volumes, each once: two volumes may have the same layer, and one volume twice. */
export function imagesOf(mounts: readonly Mount[]): readonly LayerImage[] {
  const images = mounts.flatMap((mount) => (mount.kind === 'overlay' ? mount.images : []));
  return [...new Map(images.map((image) => [image.dir, image])).values()];
}

/**
 * The images as mount(8) reads them from a file: one process mounts 16 of them in a quarter of the time that 16 processes take.
 * Where the kernel cannot mount a file, it makes a loop device, which goes with the mount; util-linux before 2.41 always does.
 */
export function imageTable(images: readonly LayerImage[]): string {
  return images.map(({ file, dir }) => `${mountWord(file)} ${mountWord(dir)} erofs ro,nosuid,nodev 0 0\n`).join('');
}

/**
 * For a shell: mounts what the table says that follows. By mount(2), since the newer system calls take 255 bytes of a file's name.
 * Nothing is noted below /run, where it would outlive the mounts. To a terminal it may speak of the system's own table, on stdout, which is
 * the command's.
 */
export const mountTable = (mount: string): string =>
  `LIBMOUNT_FORCE_MOUNT2=always ${mount} >/dev/null --internal-only --no-mtab --all --fstab`;

/** The descriptor of the table, behind that of bubblewrap's arguments. */
const tableFd = 5;

/** What the shell answers when an image could not be mounted; mount(8) has told why. */
const stageFailedCode = 98;

/**
 * For sh, in a mount namespace of its own, before bubblewrap. Arguments: mount(8), and what comes next. A shell loses or changes variables
 * of the environment, and frees signals that are held: so it gets neither.
 */
export const imageStage: string = `
mount=$1
shift
${mountTable('"$mount"')} /proc/self/fd/${tableFd} || exit ${stageFailedCode}
exec ${tableFd}<&-
exec "$@"
`;

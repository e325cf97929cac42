import type { LayerImage, Mount } from '@cachelane/core';
import { mountWord } from '../system/proc.ts';
import { findSystemTools, type SystemTools } from './sudo-tools.ts';

/** Further tools for runs with images. They come from the system's directories, whatever the PATH is. */
export type ImageTools = SystemTools<'sh' | 'unshare' | 'mount'>;

export const findImageTools = (): ReturnType<typeof findSystemTools<'sh' | 'unshare' | 'mount'>> =>
  findSystemTools(['sh', 'unshare', 'mount']);

/** Returns the images of all volumes, each once. Volumes may share a layer, and a volume may have one twice. */
export function imagesOf(mounts: readonly Mount[]): readonly LayerImage[] {
  const images = mounts.flatMap((mount) => (mount.kind === 'overlay' ? mount.images : []));
  return [...new Map(images.map((image) => [image.dir, image])).values()];
}

/**
 * Returns a table of images for mount(8): one process mounts 16 images in a quarter of the time of 16 processes. If the kernel cannot mount
 * a file, mount(8) makes a loop device that disappears with the mount; util-linux before 2.41 always does.
 */
export function imageTable(images: readonly LayerImage[]): string {
  return images.map(({ file, dir }) => `${mountWord(file)} ${mountWord(dir)} erofs ro,nosuid,nodev 0 0\n`).join('');
}

/**
 * Returns a shell command that mounts the table in the next argument. mount(2) is forced, since newer system calls limit file names to 255
 * bytes. No record is kept in /run, where it would outlive the mounts. Output goes to /dev/null, since stdout is the command's.
 */
export const mountTable = (mount: string): string =>
  `LIBMOUNT_FORCE_MOUNT2=always ${mount} >/dev/null --internal-only --no-mtab --all --fstab`;

/** The descriptor of the table, after that of bubblewrap's arguments. */
const tableFd = 5;

/** The shell's exit code if an image could not be mounted; mount(8) prints why. */
const stageFailedCode = 98;

/**
 * A script for sh, in its own mount namespace, before bubblewrap. Arguments: mount(8), and the next program. A shell changes the
 * environment and unblocks signals, so it gets neither.
 */
export const imageStage: string = `
mount=$1
shift
${mountTable('"$mount"')} /proc/self/fd/${tableFd} || exit ${stageFailedCode}
exec ${tableFd}<&-
exec "$@"
`;

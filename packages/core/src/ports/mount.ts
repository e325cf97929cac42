/** A layer stored as an EROFS image. Paths are absolute. */
export interface LayerImage {
  readonly file: string;
  /** The empty directory where the image is mounted. */
  readonly dir: string;
}

/** An overlay that the runtime mounts for the command. */
export interface OverlayMount {
  readonly kind: 'overlay';
  /** Absolute path where the command sees the volume. */
  readonly target: string;
  /** Top first, at least one; absolute. */
  readonly lowerDirs: readonly string[];
  /**
   * Images to mount on lower directories before the overlay. The runtime mounts them read-only in the command's mount namespace, so
   * they disappear with its last process. Some machines and users cannot do this.
   */
  readonly images: readonly LayerImage[];
  readonly upperDir: string;
  readonly workDir: string;
}

/** A plain directory that the command uses through a tool setting, a bind mount or a symlink. */
export interface DirectoryMount {
  readonly kind: 'directory';
  /** Absolute path where the command expects the volume. */
  readonly target: string;
  /** Absolute path of the directory with the volume's contents. */
  readonly path: string;
  /** Whether the runtime bind-mounts the directory at the target. */
  readonly bind: boolean;
}

export type Mount = OverlayMount | DirectoryMount;

import type { LayerImage } from '@cachelane/core';

/** Facts about the machine, in addition to the error text. */
export interface MachineFacts {
  readonly isRoot: boolean;
  readonly isContainer: boolean;
  /** The home's file system type by statfs(2); null if unknown. */
  readonly fileSystemType: number | null;
  /** The sysctls as text; null if the kernel lacks them. */
  readonly appArmorRestrictsUserNamespaces: string | null;
  readonly unprivilegedUserNamespaces: string | null;
  readonly maxUserNamespaces: string | null;
}

const overlayfsType = 0x794c7630;
const tmpfsType = 0x01021994;

/** How to install the programs for runs with mounts. */
export const installMend = 'Debian and Ubuntu: apt-get install bubblewrap util-linux coreutils';
const moveHome = 'put CACHELANE_HOME on an ordinary disk file system (ext4, xfs, btrfs)';
const allowInContainer =
  'the container is not allowed to mount: start it with --privileged, or with --cap-add SYS_ADMIN --security-opt seccomp=unconfined --security-opt apparmor=unconfined';

export const userImagesMend = 'CACHELANE_SUDO=1 lets root mount them, if sudo asks for no password';

/** Returns how to fix a failed image mount, by mount(8)'s text; nothing for other reasons. */
export function imageMend(reason: string, images: readonly LayerImage[]): string | undefined {
  if (/unknown filesystem type 'erofs'/.test(reason)) return 'the kernel has no EROFS: as root, modprobe erofs';
  if (!images.some(({ dir }) => reason.startsWith(`mount: ${dir}: `))) return undefined;
  if (/permission|permitted/i.test(reason)) return 'mounting needs CAP_SYS_ADMIN, which root lacks here';
  if (/loop device|block device/.test(reason)) return `the kernel cannot mount files of this file system: ${moveHome}`;
  if (/superblock|needs cleaning|special device/.test(reason)) {
    return 'the image of a layer is damaged: run cachelane verify';
  }
  return undefined;
}

/** Returns how to fix a failed mount, by bubblewrap's text. */
export function mendFor(reason: string, facts: MachineFacts): string {
  if (reason.startsWith('not installed')) return installMend;
  if (/unknown option --(overlay|json-status|chdir)/i.test(reason)) {
    return 'bubblewrap 0.11 or newer is needed (Debian 13, Ubuntu 25.04, Fedora 42, Alpine 3.21 have it)';
  }
  if (/\benv: .*(option|argument)/.test(reason)) {
    return 'env of GNU coreutils 8.31 or newer is needed (Ubuntu with Rust coreutils: apt-get install gnu-coreutils; Alpine: apk add coreutils)';
  }
  if (/\bflock: .*option/.test(reason)) return 'flock of util-linux 2.34 or newer is needed (Alpine: apk add flock)';
  if (/namespace|uid map|gid map/i.test(reason)) return userNamespaceMend(facts);
  if (/overlay mount/.test(reason)) return overlayMend(reason, facts);
  if (facts.isContainer) return allowInContainer;
  return "run `bwrap --dev-bind / / true` to see bubblewrap's own error";
}

function userNamespaceMend(facts: MachineFacts): string {
  if (!facts.isRoot && facts.maxUserNamespaces === '0') return 'as root: sysctl user.max_user_namespaces=15000';
  if (!facts.isRoot && facts.unprivilegedUserNamespaces === '0') {
    return 'as root: sysctl kernel.unprivileged_userns_clone=1';
  }
  if (facts.isContainer) return allowInContainer;
  if (!facts.isRoot && facts.appArmorRestrictsUserNamespaces === '1') {
    return 'AppArmor forbids ordinary users to make namespaces: as root, sysctl kernel.apparmor_restrict_unprivileged_userns=0, or load the profile bwrap-userns-restrict of the package apparmor-profiles';
  }
  return facts.isRoot
    ? 'mount namespaces need CAP_SYS_ADMIN, which root lacks here'
    : 'the system (seccomp, SELinux, …) forbids ordinary users to make namespaces: run as root';
}

function overlayMend(reason: string, facts: MachineFacts): string {
  if (/No such device/.test(reason)) return 'the kernel has no overlay file system: as root, modprobe overlay';
  if (facts.fileSystemType === overlayfsType) {
    return `the home is on an overlay itself, as in a container without a volume: ${moveHome}; in a container, use a mounted volume`;
  }
  if (facts.fileSystemType === tmpfsType) return `overlays on tmpfs need Linux 6.6 or newer: ${moveHome}`;
  if (/not permitted/.test(reason))
    return 'ordinary users can mount overlays since Linux 5.11: on older kernels run as root';
  return moveHome;
}

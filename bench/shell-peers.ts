// Common shell scripts for the same work.

/** `$0` is a directory, `$1` the archive. */
export const pack = 'tar -C "$0" -cf - . | zstd -q -T0 -3 -o "$1"';
/** Like `pack`, with a digest of each file at the same time. */
export const packAndHash = `(cd "$0" && find . -type f -print0 | xargs -0 sha256sum >"$1.sums") & ${pack}; wait`;
/** `$0` is an archive, `$1` a directory. */
export const unpack = 'zstd -q -d -c "$0" | tar -C "$1" -xf -';
/** Reads an archive `$0` without extracting it, and writes the rest to `$1`. */
export const decompress = 'zstd -q -d -c "$0" >"$1"';
/** Reads all files of the current directory. */
export const readAll = 'find . -type f -print0 | xargs -0 cat >/dev/null';
/** `$0` is an image, `$1` an empty directory. */
export const mountAndRead = `mount -t erofs -o ro "$0" "$1"; cd "$1"; ${readAll}`;

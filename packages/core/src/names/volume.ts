/** Name of a volume inside its namespace: `npm`, `go-build`. */
export type VolumeName = string & { readonly __volumeName: unique symbol };
/** Who can use whose contents: sorted field names to values; part of a volume's identity. */
export type Compat = Readonly<Record<string, string>>;

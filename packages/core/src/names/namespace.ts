/** Canonical namespace path, `github.com/acme/web`. */
export type Namespace = string & { readonly __namespace: unique symbol };

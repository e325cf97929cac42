/** The address of an engine. */
export type EngineAddress =
  | { readonly kind: 'socket'; /** Absolute. */ readonly path: string }
  /** On this machine. */
  | { readonly kind: 'port'; readonly host: string; readonly port: number };

/**
 * Parses `unix:/path` and `http://127.0.0.1:PORT`, also without `http://`. Undefined for other text: the token must
 * not go to another machine.
 */
export function parseEngineAddress(text: string): EngineAddress | undefined {
  const path = /^unix:(\/.+)$/s.exec(text)?.[1];
  if (path !== undefined) return path.includes('\0') ? undefined : { kind: 'socket', path };
  const [, host, digits] = /^(?:http:\/\/)?(127\.0\.0\.1|localhost|\[::1\]):(\d{1,5})\/?$/.exec(text) ?? [];
  const port = Number(digits);
  return host === undefined || port > 65_535 ? undefined : { kind: 'port', host: host.replace(/^\[|\]$/g, ''), port };
}

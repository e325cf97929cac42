/** Where an engine listens. */
export type EngineAddress =
  | { readonly kind: 'socket'; /** Absolute. */ readonly path: string }
  /** On this machine. */
  | { readonly kind: 'port'; readonly host: string; readonly port: number };

/**
 * Reads `unix:/path`, `http://127.0.0.1:PORT` and the port's without `http://`. Undefined for anything else: another machine's engine is never asked this way,
 * since the token would go there.
 */
export function parseEngineAddress(text: string): EngineAddress | undefined {
  const path = /^unix:(\/.+)$/s.exec(text)?.[1];
  if (path !== undefined) return path.includes('\0') ? undefined : { kind: 'socket', path };
  const [, host, digits] = /^(?:http:\/\/)?(127\.0\.0\.1|localhost|\[::1\]):(\d{1,5})\/?$/.exec(text) ?? [];
  const port = Number(digits);
  return host === undefined || port > 65_535 ? undefined : { kind: 'port', host: host.replace(/^\[|\]$/g, ''), port };
}

// Everything that core may use beyond the language itself. The package is compiled without the types of Node and of
// browsers, so a timer, a file or the process is a type error here; what is added below must stay pure.

declare module 'node:crypto' {
  export function hash(algorithm: 'sha256', data: string | Uint8Array): string;
  export function hash(algorithm: 'sha256', data: string | Uint8Array, outputEncoding: 'hex' | 'base64url'): string;
}

interface AbortSignal {
  readonly aborted: boolean;
  readonly reason: any;
  throwIfAborted(): void;
}

interface TextEncoder {
  encode(text?: string): Uint8Array;
}
declare var TextEncoder: { new (): TextEncoder };

interface TextDecoder {
  decode(bytes?: Uint8Array): string;
}
declare var TextDecoder: { new (label?: 'utf-8', options?: { fatal?: boolean; ignoreBOM?: boolean }): TextDecoder };

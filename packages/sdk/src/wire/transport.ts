export interface TransportRequest {
  readonly headers: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body: string;
  readonly signal: AbortSignal | undefined;
  /** It does not keep the program alive. */
  readonly isInBackground: boolean;
}

export interface TransportResponse {
  readonly status: number;
  /** From the header; empty if there is none. */
  readonly contentType: string;
  text(): Promise<string>;
  /** Yields the body. Ending the iteration ends the request. */
  chunks(): AsyncIterable<Uint8Array>;
}

/** Sends requests to one engine: POST to its `/query`. Throws network errors. Any HTTP status is a response. */
export interface Transport {
  /** For messages. */
  readonly address: string;
  /** Whether requests can run in the background without keeping the program alive. */
  readonly canBeInBackground: boolean;
  post(request: TransportRequest): Promise<TransportResponse>;
  /** Closes idle connections. */
  close(): void;
}

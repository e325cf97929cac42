export interface TransportRequest {
  readonly headers: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body: string;
  readonly signal: AbortSignal | undefined;
  /** It does not keep the program from ending. */
  readonly isInBackground: boolean;
}

export interface TransportResponse {
  readonly status: number;
  /** As the header has it; empty where there is none. */
  readonly contentType: string;
  text(): Promise<string>;
  /** The body as it comes. Whoever stops reading ends the request. */
  chunks(): AsyncIterable<Uint8Array>;
}

/**
 * Carries requests to one engine: POST to its `/query`. Throws what the network throws; any answer is a response, whatever its status.
 */
export interface Transport {
  /** For people. */
  readonly address: string;
  /** Whether a request can be in the background: one that goes on must not keep a program from ending. */
  readonly canBeInBackground: boolean;
  post(request: TransportRequest): Promise<TransportResponse>;
  /** Gives connections back that wait for the next request. */
  close(): void;
}

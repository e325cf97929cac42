/** The source of randomness; tests pass a seeded one. */
export interface Random {
  bytes(count: number): Uint8Array;
}

/** A map that keeps the most recently used entries. */
export class LastUsed<K, V> {
  private readonly entries = new Map<K, V>();
  private readonly atMost: number;

  constructor(atMost: number) {
    this.atMost = atMost;
  }

  get(key: K): V | undefined {
    const value = this.entries.get(key);
    if (value !== undefined) this.set(key, value);
    return value;
  }

  delete(key: K): void {
    this.entries.delete(key);
  }

  set(key: K, value: V): void {
    this.entries.delete(key);
    this.entries.set(key, value);
    const [oldest] = this.entries.keys();
    if (this.entries.size > this.atMost && oldest !== undefined) this.entries.delete(oldest);
  }
}

// Tiles that were drawn once, the ones seen last kept.
// In: tiles. Out: tiles. At the limit the one not looked at for longest is closed and forgotten.
// Never: more than the limit, a bitmap left to the garbage collector.

export interface Closable {
  close(): void;
}

export class Cache<T extends Closable> {
  #entries = new Map<string, T>();
  readonly limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Looking keeps it. */
  get(key: string): T | undefined {
    const found = this.#entries.get(key);
    if (found === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, found);
    return found;
  }

  put(key: string, value: T): void {
    const before = this.#entries.get(key);
    if (before !== undefined && before !== value) before.close();
    this.#entries.delete(key);
    this.#entries.set(key, value);
    for (const [oldest, tile] of this.#entries) {
      if (this.#entries.size <= this.limit) break;
      tile.close();
      this.#entries.delete(oldest);
    }
  }

  /** Forgets those for which `gone` holds. */
  drop(gone: (key: string, value: T) => boolean): void {
    for (const [key, value] of this.#entries) {
      if (!gone(key, value)) continue;
      value.close();
      this.#entries.delete(key);
    }
  }

  forEach(visit: (value: T, key: string) => void): void {
    this.#entries.forEach(visit);
  }

  clear(): void {
    this.drop(() => true);
  }
}

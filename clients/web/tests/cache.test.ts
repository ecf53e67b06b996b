import { describe, expect, it } from "vitest";
import { Cache } from "../src/picture/cache";

class Closed {
  closed = 0;
  close(): void {
    this.closed += 1;
  }
}

describe("the cache", () => {
  it("closes the one not looked at for longest", () => {
    const cache = new Cache<Closed>(2);
    const [a, b, c] = [new Closed(), new Closed(), new Closed()];
    cache.put("a", a);
    cache.put("b", b);
    cache.get("a");
    cache.put("c", c);
    expect([a.closed, b.closed, c.closed, cache.size]).toEqual([0, 1, 0, 2]);
    expect(cache.get("b")).toBeUndefined();
  });

  it("closes what is replaced, once, and not what is put again", () => {
    const cache = new Cache<Closed>(2);
    const [a, b] = [new Closed(), new Closed()];
    cache.put("a", a);
    cache.put("a", a);
    expect(a.closed).toBe(0);
    cache.put("a", b);
    expect([a.closed, b.closed]).toEqual([1, 0]);
    cache.clear();
    expect([a.closed, b.closed, cache.size]).toEqual([1, 1, 0]);
  });
});

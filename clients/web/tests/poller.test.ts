import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { BACK_OFF_MAX_MS, backOff_ms, Poller } from "../src/connection/poller";

interface Pending {
  resolve(value: number): void;
  reject(error: Error): void;
}

class Rig {
  pending: Pending[] = [];
  asked = 0;
  taken: number[] = [];
  failed: unknown[] = [];
  interval_ms: number | null = 500;
  readonly poller = new Poller<number>(
    {
      timeout_ms: 4000,
      interval_ms: () => this.interval_ms,
      ask: () => {
        this.asked += 1;
        return new Promise((resolve, reject) => this.pending.push({ resolve, reject }));
      },
      take: (answer) => {
        this.taken.push(answer);
      },
      fail: (error) => {
        this.failed.push(error);
      },
    },
    () => 1,
  );

  async answer(value: number): Promise<void> {
    this.pending.shift()?.resolve(value);
    await vi.advanceTimersByTimeAsync(0);
  }

  async refuse(): Promise<void> {
    this.pending.shift()?.reject(new Error("away"));
    await vi.advanceTimersByTimeAsync(0);
  }
}

describe("the poller", () => {
  let rig: Rig;
  beforeEach(async () => {
    vi.useFakeTimers();
    rig = new Rig();
    rig.poller.start();
    await vi.advanceTimersByTimeAsync(0);
  });
  afterEach(async () => {
    rig.poller.stop();
    await vi.advanceTimersByTimeAsync(0);
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });

  it("has one request in flight however often it is poked", async () => {
    for (let poke = 0; poke < 20; poke += 1) rig.poller.poke();
    await vi.advanceTimersByTimeAsync(3000);
    expect(rig.asked).toBe(1);
    await rig.answer(1);
    expect(rig.asked).toBe(2);
  });

  it("asks again after its interval", async () => {
    await rig.answer(1);
    await vi.advanceTimersByTimeAsync(499);
    expect(rig.asked).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(rig.asked).toBe(2);
  });

  it("rests without an interval until it is poked", async () => {
    rig.interval_ms = null;
    await rig.answer(1);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(rig.asked).toBe(1);
    rig.poller.poke();
    await vi.advanceTimersByTimeAsync(0);
    expect(rig.asked).toBe(2);
  });

  it("gives up a request that is not answered, and asks anew", async () => {
    await vi.advanceTimersByTimeAsync(4000);
    expect(rig.failed).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(250);
    expect(rig.asked).toBe(2);
    // The first answer comes too late.
    await rig.answer(1);
    expect(rig.taken).toEqual([]);
  });

  it("waits longer after each failure, at most two seconds, and less again after an answer", async () => {
    for (const wait_ms of [250, 500, 1000, 2000, 2000, 2000]) {
      const before = rig.asked;
      await rig.refuse();
      await vi.advanceTimersByTimeAsync(wait_ms - 1);
      expect(rig.asked).toBe(before);
      await vi.advanceTimersByTimeAsync(1);
      expect(rig.asked).toBe(before + 1);
    }
    await rig.answer(1);
    await vi.advanceTimersByTimeAsync(500);
    await rig.refuse();
    const before = rig.asked;
    await vi.advanceTimersByTimeAsync(250);
    expect(rig.asked).toBe(before + 1);
  });

  it("is not made impatient by pokes while the daemon is away, but by its return", async () => {
    await rig.refuse();
    await vi.advanceTimersByTimeAsync(250);
    await rig.refuse();
    rig.poller.poke();
    await vi.advanceTimersByTimeAsync(100);
    expect(rig.asked).toBe(2);
    rig.poller.wake();
    await vi.advanceTimersByTimeAsync(0);
    expect(rig.asked).toBe(3);
  });

  it("asks nothing while paused, and at once afterwards", async () => {
    rig.poller.pause();
    await rig.answer(1);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(rig.asked).toBe(1);
    rig.poller.resume();
    await vi.advanceTimersByTimeAsync(0);
    expect(rig.asked).toBe(2);
  });

  it("takes nothing after it was stopped", async () => {
    rig.poller.stop();
    await rig.answer(1);
    await vi.advanceTimersByTimeAsync(60_000);
    expect([rig.asked, rig.taken]).toEqual([1, []]);
  });

  it("spreads tabs that lost their daemon at the same instant", () => {
    expect(backOff_ms(30, 0)).toBe(BACK_OFF_MAX_MS / 2);
    expect(backOff_ms(30, 1)).toBe(BACK_OFF_MAX_MS);
  });
});

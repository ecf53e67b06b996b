import { describe, expect, it } from "vitest";
import { around, place, ticks, tickText } from "../src/data/axes";
import { filled } from "../src/data/HistogramChart";
import { scaleBar } from "../src/picture/scaleBar";
import { bytes, clock, count, duration, fileSafe, latency, length, short, stamp } from "../src/units/format";

describe("numbers", () => {
  it("show three digits that matter", () => {
    expect([0, 0.01234, 1.5, 12.34, 123.4, 12345.6].map(short)).toEqual([
      "0",
      "0.0123",
      "1.5",
      "12.3",
      "123",
      "12\u202f346",
    ]);
    expect(short(Number.NaN)).toBe("–");
    expect(count(1234567n)).toBe("1\u202f234\u202f567");
  });

  it("have units", () => {
    expect([latency(3.25), latency(36), latency(1577)]).toEqual(["3.3\u202fms", "36\u202fms", "1.58\u202fs"]);
    expect([length(200), length(5000), length(2e6)]).toEqual(["200\u202fnm", "5\u202fµm", "2\u202fmm"]);
    expect([bytes(0), bytes(10n * 1024n ** 3n)]).toEqual(["0\u202fB", "10\u202fGiB"]);
    expect([duration(12), duration(200), duration(7500)]).toEqual([
      "12\u202fs",
      "3\u202fmin 20\u202fs",
      "2\u202fh 5\u202fmin",
    ]);
  });

  it("give the day of what was not today", () => {
    const at = (date: Date) => BigInt(date.getTime()) * 1_000_000n;
    const now = new Date(2026, 10, 26, 20, 0, 0);
    expect(clock(at(new Date(2026, 10, 26, 7, 8, 9)), now)).toBe("07:08:09");
    expect(clock(at(new Date(2026, 9, 3, 7, 8, 9)), now)).toBe("3 Oct 2026 07:08");
    expect(clock(0n)).toBe("");
  });

  it("make file names that every system takes", () => {
    expect(fileSafe('../a/b: "c"?')).toBe("a-b-c");
    expect(fileSafe("…")).toBe("series");
    expect(stamp(new Date(2026, 10, 6, 7, 8, 9))).toBe("2026-11-06_07-08-09");
  });
});

describe("the scale bar", () => {
  it("is 1, 2 or 5 times a power of ten and fits", () => {
    for (let nm_per_px = 1e-3; nm_per_px < 1e5; nm_per_px *= 1.17) {
      const bar = scaleBar(nm_per_px, 180);
      expect(bar.width_px).toBeLessThanOrEqual(180.001);
      expect(bar.width_px).toBeGreaterThan(180 / 2.51);
      expect([1, 2, 5]).toContain(Number(bar.length_nm.toExponential(0)[0]));
      expect(bar.length_nm / nm_per_px).toBeCloseTo(bar.width_px, 9);
    }
  });
});

describe("an axis", () => {
  it("has round ticks inside its ends", () => {
    expect(ticks({ low: 0, high: 1.1, logarithmic: false }, 3)).toEqual([0, 0.5, 1]);
    expect(ticks({ low: -0.3, high: 0.3, logarithmic: false }, 3)).toEqual([-0.2, 0, 0.2]);
    expect(ticks({ low: 100, high: 20_000, logarithmic: true }, 3)).toEqual([100, 300, 1000, 3000, 10_000]);
    expect(ticks({ low: 5, high: 5, logarithmic: false }, 3)).toEqual([5]);
  });

  it("spreads a logarithm evenly", () => {
    const axis = { low: 1, high: 100, logarithmic: true };
    expect([1, 10, 100].map((value) => place(axis, value))).toEqual([0, 0.5, 1]);
  });

  it("has room for numbers that are all alike, for none, and for what is no number", () => {
    expect(around([3, 3], true).high).toBeGreaterThan(3);
    expect(around([], true)).toEqual({ low: 0, high: 1, logarithmic: false });
    expect(around([Number.NaN, 2], true).low).toBe(0);
  });

  it("shortens large numbers", () => {
    expect([950, 12_000, 3_400_000].map(tickText)).toEqual(["950", "12k", "3.4M"]);
  });

  it("ends where a histogram does", () => {
    expect(filled([0, 0, 0, 4, 1, 0, 0])).toEqual([2, 5]);
    expect(filled([0, 0])).toEqual([0, 1]);
  });
});

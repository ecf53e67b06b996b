import { describe, expect, it } from "vitest";
import { common, fitted, panned, toNm, toPx, visible, zoomed } from "../src/picture/view";

const SIZE = { width_px: 800, height_px: 600 };
const VIEW = { x_nm: 5000, y_nm: 4000, nm_per_px: 10 };

describe("the view", () => {
  it("keeps what lies under the pointer while zooming, however often", () => {
    const at = { x: 123, y: 456 };
    const before = toNm(VIEW, SIZE, at);
    let view = VIEW;
    for (let turn = 0; turn < 40; turn += 1) view = zoomed(view, SIZE, at, 1.3);
    const after = toNm(view, SIZE, at);
    expect(after.x).toBeCloseTo(before.x, 6);
    expect(after.y).toBeCloseTo(before.y, 6);
    expect(view.nm_per_px).toBeCloseTo(10 / 1.3 ** 40, 9);
  });

  it("stays finite however far one zooms", () => {
    let view = VIEW;
    for (let turn = 0; turn < 5000; turn += 1) view = zoomed(view, SIZE, { x: 0, y: 0 }, 1.5);
    expect(view.nm_per_px).toBeGreaterThan(0);
    for (let turn = 0; turn < 5000; turn += 1) view = zoomed(view, SIZE, { x: 0, y: 0 }, 1 / 1.5);
    expect(Object.values(view).every(Number.isFinite)).toBe(true);
  });

  it("moves with the hand by as many pixels", () => {
    const place = { x: 5100, y: 4100 };
    const before = toPx(VIEW, SIZE, place);
    const after = toPx(panned(VIEW, 30, -20), SIZE, place);
    expect([after.x - before.x, after.y - before.y]).toEqual([30, -20]);
  });

  it("fits all of a region, in its middle", () => {
    const region = { x_min_nm: -1000, y_min_nm: 0, x_max_nm: 9000, y_max_nm: 2000 };
    const seen = visible(fitted(region, SIZE), SIZE);
    expect(seen.x_min_nm).toBeLessThan(region.x_min_nm);
    expect(seen.x_max_nm).toBeGreaterThan(region.x_max_nm);
    expect((seen.y_min_nm + seen.y_max_nm) / 2).toBeCloseTo(1000, 9);
  });

  it("knows what two regions share", () => {
    const a = { x_min_nm: 0, y_min_nm: 0, x_max_nm: 10, y_max_nm: 10 };
    expect(common(a, { ...a, x_min_nm: 5, x_max_nm: 15 })).toEqual({ ...a, x_min_nm: 5 });
    expect(common(a, { ...a, x_min_nm: 10, x_max_nm: 15 })).toBeNull();
  });
});

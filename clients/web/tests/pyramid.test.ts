import { describe, expect, it } from "vitest";
import { ancestor, children, levelFor, type Pyramid, regionOf, TILES_MAX, visibleTiles } from "../src/picture/pyramid";
import { common } from "../src/picture/view";

const BOUNDS = { x_min_nm: 0, y_min_nm: 0, x_max_nm: 51_200, y_max_nm: 51_200 };
const PYRAMID: Pyramid = { base_pixel_nm: 10, finest_level: 0, levels: 13, tile_px: 256, bounds: BOUNDS };

describe("the pyramid", () => {
  it("takes the level whose pixels are nearest to the screen's", () => {
    expect([5, 10, 14, 15, 20, 28.2, 28.5].map((nm) => levelFor(PYRAMID, nm))).toEqual([0, 0, 0, 1, 1, 1, 2]);
  });

  it("never asks for a finer level than there is, nor for a coarser one", () => {
    expect(levelFor({ ...PYRAMID, finest_level: 2 }, 1)).toBe(2);
    expect(levelFor(PYRAMID, 1e9)).toBe(12);
  });

  it("names every visible tile of the picture and no other", () => {
    const seen = { x_min_nm: 5_000, y_min_nm: 2_560, x_max_nm: 12_000, y_max_nm: 5_120 };
    const tiles = visibleTiles(PYRAMID, seen, 10);
    expect(new Set(tiles.map((tile) => `${tile.x},${tile.y}`))).toEqual(new Set([1, 2, 3, 4].map((x) => `${x},1`)));
    for (const tile of tiles) expect(common(regionOf(PYRAMID, tile), seen)).not.toBeNull();
  });

  it("asks for nothing outside of the picture", () => {
    const outside = { x_min_nm: -9000, y_min_nm: -9000, x_max_nm: -10, y_max_nm: -10 };
    expect(visibleTiles(PYRAMID, outside, 10)).toEqual([]);
    const wide = { x_min_nm: -1e6, y_min_nm: -1e6, x_max_nm: 1e6, y_max_nm: 1e6 };
    expect(visibleTiles(PYRAMID, wide, 20)).toHaveLength(100);
  });

  it("takes a coarser level rather than more tiles than one request may name", () => {
    const large = { ...BOUNDS, x_max_nm: 1e6, y_max_nm: 1e6 };
    const tiles = visibleTiles({ ...PYRAMID, bounds: large }, large, 10);
    expect(tiles.length).toBeGreaterThan(0);
    expect(tiles.length).toBeLessThanOrEqual(TILES_MAX);
  });

  it("begins in the middle", () => {
    const [first] = visibleTiles(PYRAMID, { x_min_nm: 1, y_min_nm: 1, x_max_nm: 12_799, y_max_nm: 12_799 }, 10);
    expect(first).toEqual({ level: 0, x: 2, y: 2 });
  });

  it("finds the tiles above and below, also left of zero", () => {
    expect(ancestor({ level: 1, x: -1, y: 5 }, 2)).toEqual({ level: 3, x: -1, y: 1 });
    const tile = { level: 4, x: -2, y: 3 };
    for (const child of children(tile)) expect(ancestor(child, 1)).toEqual(tile);
  });
});

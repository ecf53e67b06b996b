// Which tiles of the daemon's pyramid make up what is seen. Pure.
// In: the pyramid's measures, a region, the screen's pixels. Out: a level and tiles. Never: a tile that is not visible,
// or more of them than fit into one request.

import { common, type Region } from "./view";

/** The pyramid as the daemon describes it: pixels of base_pixel_nm * 2^level. */
export interface Pyramid {
  readonly base_pixel_nm: number;
  readonly finest_level: number;
  readonly levels: number;
  readonly tile_px: number;
  readonly bounds: Region | null;
}

export interface TileIndex {
  readonly level: number;
  readonly x: number;
  readonly y: number;
}

/** A request may name 256. */
export const TILES_MAX = 224;

export function tile_nm(pyramid: Pyramid, level: number): number {
  return pyramid.base_pixel_nm * pyramid.tile_px * 2 ** level;
}

/** Where a tile lies. */
export function regionOf(pyramid: Pyramid, tile: TileIndex): Region {
  const side = tile_nm(pyramid, tile.level);
  return {
    x_min_nm: tile.x * side,
    y_min_nm: tile.y * side,
    x_max_nm: (tile.x + 1) * side,
    y_max_nm: (tile.y + 1) * side,
  };
}

/** The level whose pixels come nearest to the screen's, from below or above: between 0.7 and 1.4 of them. */
export function levelFor(pyramid: Pyramid, nm_per_device_px: number): number {
  const level = Math.round(Math.log2(nm_per_device_px / pyramid.base_pixel_nm));
  return Math.min(pyramid.levels - 1, Math.max(pyramid.finest_level, level));
}

interface Span {
  readonly x_first: number;
  readonly y_first: number;
  readonly x_last: number;
  readonly y_last: number;
}

function span(pyramid: Pyramid, level: number, region: Region): Span {
  const side = tile_nm(pyramid, level);
  return {
    x_first: Math.floor(region.x_min_nm / side),
    y_first: Math.floor(region.y_min_nm / side),
    x_last: Math.ceil(region.x_max_nm / side) - 1,
    y_last: Math.ceil(region.y_max_nm / side) - 1,
  };
}

/** Those of the picture that are on the screen, the middle first; coarser ones where there would be too many. */
export function visibleTiles(pyramid: Pyramid, seen: Region, nm_per_device_px: number): TileIndex[] {
  const region = pyramid.bounds ? common(seen, pyramid.bounds) : seen;
  if (!region) return [];
  for (let level = levelFor(pyramid, nm_per_device_px); level < pyramid.levels; level += 1) {
    const { x_first, y_first, x_last, y_last } = span(pyramid, level, region);
    if ((x_last - x_first + 1) * (y_last - y_first + 1) > TILES_MAX) continue;
    const tiles: TileIndex[] = [];
    for (let y = y_first; y <= y_last; y += 1) {
      for (let x = x_first; x <= x_last; x += 1) tiles.push({ level, x, y });
    }
    const [x_middle, y_middle] = [(x_first + x_last) / 2, (y_first + y_last) / 2];
    const far = (tile: TileIndex) => Math.hypot(tile.x - x_middle, tile.y - y_middle);
    return tiles.sort((a, b) => far(a) - far(b));
  }
  return [];
}

/** The tile `up` levels above that covers this one. */
export function ancestor(tile: TileIndex, up: number): TileIndex {
  return { level: tile.level + up, x: Math.floor(tile.x / 2 ** up), y: Math.floor(tile.y / 2 ** up) };
}

/** The four that this one consists of. */
export function children(tile: TileIndex): TileIndex[] {
  const [x, y, level] = [2 * tile.x, 2 * tile.y, tile.level - 1];
  return [
    { level, x, y },
    { level, x: x + 1, y },
    { level, x, y: y + 1 },
    { level, x: x + 1, y: y + 1 },
  ];
}

export function keyOf(tile: TileIndex): string {
  return `${tile.level}/${tile.x}/${tile.y}`;
}

// Where a series lies, and what kind it is. Pure.
// In: what the daemon says of a series. Out: regions in nm, names. Never: a pixel size made up in silence.

import { type Acquisition, SeriesState } from "../gen/blinkd/v1/acquisitions_pb";
import { ChannelKind } from "../gen/blinkd/v1/frames_pb";
import type { Region } from "../picture/view";
import { clock, hex } from "../units/format";

/** Stands in where neither publisher nor configuration gave a pixel size; lengths are then not shown. */
const UNKNOWN_PIXEL_NM = 100;

export const isWidefield = (series: Acquisition | null) => series?.channel === ChannelKind.WIDEFIELD;
/** A grid of one place is no scan. */
export const isScan = (series: Acquisition | null) =>
  (series?.grid ? series.grid.rows * series.grid.columns : 0) > 1 || (series?.tiles.length ?? 0) > 1;
export const knowsPixelSize = (series: Acquisition | null) => (series?.pixelSizeXNm ?? 0) > 0;

export function pixel_nm(series: Acquisition): { x: number; y: number } {
  const x = series.pixelSizeXNm > 0 ? series.pixelSizeXNm : UNKNOWN_PIXEL_NM;
  return { x, y: series.pixelSizeYNm > 0 ? series.pixelSizeYNm : x };
}

/** The corner of a tile's first pixel in the picture; null: it is not known yet where it lies. */
export function corner_nm(series: Acquisition, tile_index: number): { x: number; y: number } | null {
  const tile = series.tiles.find((each) => each.tileIndex === tile_index);
  if (tile) return { x: tile.cornerXNm, y: tile.cornerYNm };
  return series.tiles.length > 1 ? null : { x: 0, y: 0 };
}

/** The camera's field; null before a frame came. */
export function field(series: Acquisition | null): Region | null {
  if (series === null || series.widthPx === 0 || series.heightPx === 0) return null;
  const pixel = pixel_nm(series);
  return { x_min_nm: 0, y_min_nm: 0, x_max_nm: series.widthPx * pixel.x, y_max_nm: series.heightPx * pixel.y };
}

export function nameOf(series: Acquisition): string {
  return series.name || `series ${hex(series.seriesId).slice(0, 8)}`;
}

const STATES: Readonly<Record<SeriesState, string>> = {
  [SeriesState.UNSPECIFIED]: "unknown",
  [SeriesState.RECEIVING]: "recording",
  [SeriesState.DRAINING]: "catching up",
  [SeriesState.DONE]: "complete",
};

export const stateOf = (series: Acquisition) => (series.paused ? "paused" : STATES[series.state]);

/** For the list of series. */
export function titleOf(series: Acquisition): string {
  const parts = [nameOf(series), clock(series.startUnixNs), stateOf(series), isWidefield(series) ? "widefield" : ""];
  return parts.filter(Boolean).join(" · ");
}

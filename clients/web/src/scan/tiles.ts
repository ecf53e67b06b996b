// The tiles of a scan as places and as numbers. Pure.
// In: what the daemon says of a series or scan. Out: regions in nm; the numbers by which a grid can be coloured.
// Never: a number for a tile of which no frame came, or a report's before there is one.

import { pixel_nm } from "../daemon/series";
import type { Acquisition, TileAccount } from "../gen/blinkd/v1/acquisitions_pb";
import { type Scan, type ScanTile, type TileReport, TileState } from "../gen/blinkd/v1/scans_pb";
import type { Region } from "../picture/view";

/** Beyond so many, outlines would hide the picture. */
const OUTLINES_MAX = 4096;

/** Where the tiles that came lie; none where there is but one. */
export function tileRegions(series: Acquisition | null): Region[] {
  if (series === null || series.tiles.length < 2 || series.tiles.length > OUTLINES_MAX) return [];
  const pixel = pixel_nm(series);
  const size = { width_nm: series.widthPx * pixel.x, height_nm: series.heightPx * pixel.y };
  return series.tiles.map((tile) => regionAt(tile, size.width_nm, size.height_nm));
}

export function regionAt(tile: TileAccount, width_nm: number, height_nm: number): Region {
  return {
    x_min_nm: tile.cornerXNm,
    y_min_nm: tile.cornerYNm,
    x_max_nm: tile.cornerXNm + width_nm,
    y_max_nm: tile.cornerYNm + height_nm,
  };
}

export const STATES: readonly { readonly state: TileState; readonly key: string; readonly name: string }[] = [
  { state: TileState.PLANNED, key: "planned", name: "planned" },
  { state: TileState.ACQUIRING, key: "acquiring", name: "recording" },
  { state: TileState.PROCESSING, key: "processing", name: "processing" },
  { state: TileState.DONE, key: "done", name: "done" },
  { state: TileState.FAILED, key: "failed", name: "failed" },
  { state: TileState.RETAKE, key: "retake", name: "to be retaken" },
  { state: TileState.SUSPECT, key: "suspect", name: "suspect" },
];

export const stateName = (state: TileState) => STATES.find((each) => each.state === state)?.name ?? "unknown";

export interface Quantity {
  readonly name: string;
  readonly unit: string;
  of(tile: ScanTile): number | null;
}

const sum = (numbers: Readonly<Record<string, bigint>>) =>
  Object.values(numbers).reduce((all, each) => all + Number(each), 0);

const came = (of: (account: TileAccount) => number | null) => (tile: ScanTile) =>
  tile.tile?.account && tile.tile.account.received > 0n ? of(tile.tile) : null;

const reported = (of: (report: TileReport) => number | undefined) => (tile: ScanTile) =>
  tile.report ? (of(tile.report) ?? null) : null;

export function seconds(tile: TileAccount): number | null {
  if (tile.firstArrivalUnixNs === 0n || tile.lastDoneUnixNs < tile.firstArrivalUnixNs) return null;
  return Number(tile.lastDoneUnixNs - tile.firstArrivalUnixNs) / 1e9;
}

/** What a grid can be coloured by, besides the state. */
export const QUANTITIES: readonly Quantity[] = [
  { name: "localizations", unit: "", of: came((tile) => Number(tile.localizations)) },
  { name: "density", unit: "per µm² and frame", of: came((tile) => tile.statistics?.densityPerUm2 ?? null) },
  { name: "photons, median", unit: "photons", of: came((tile) => tile.statistics?.photonsMedian ?? null) },
  { name: "σ lateral, median", unit: "nm", of: came((tile) => tile.statistics?.sigmaLateralMedianNm ?? null) },
  {
    name: "background, median",
    unit: "photons per pixel",
    of: came((tile) => tile.statistics?.backgroundMedian ?? null),
  },
  {
    name: "lost and missing",
    unit: "frames",
    of: (tile) => (tile.tile?.account ? sum(tile.tile.account.lost) + sum(tile.tile.account.missing) : null),
  },
  { name: "time per tile", unit: "s", of: came(seconds) },
  { name: "localizations, merged", unit: "", of: reported((report) => Number(report.merged)) },
  { name: "resolution (FRC)", unit: "nm", of: reported((report) => report.frcNm) },
  { name: "drift", unit: "nm", of: reported((report) => report.driftNm) },
  { name: "picture agrees with widefield (RSP)", unit: "", of: reported((report) => report.picture?.rsp) },
];

export interface Scale {
  readonly low: number;
  readonly high: number;
}

/** Ends of the colours: the smallest and the largest number. */
export function scaleOf(tiles: readonly ScanTile[], quantity: Quantity): Scale | null {
  const values = tiles.map((tile) => quantity.of(tile)).filter((value) => value !== null);
  if (values.length === 0) return null;
  const low = values.reduce((a, b) => Math.min(a, b));
  const high = values.reduce((a, b) => Math.max(a, b));
  return { low, high };
}

export function failed(scan: Scan): number[] {
  const bad = scan.tiles.filter((tile) => tile.state === TileState.FAILED);
  return bad.flatMap((tile) => (tile.tile ? [tile.tile.tileIndex] : []));
}

/** Tiles of which nothing more comes, whatever became of them. */
export function ended(scan: Scan): number {
  const { done = 0, failed = 0, suspect = 0 } = scan.tilesByState;
  return done + failed + suspect;
}

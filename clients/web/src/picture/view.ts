// Which part of the sample is on the screen, and how it moves. Pure.
// In: a view, a gesture. Out: another view. x runs right, y down, nm from the corner of the first camera pixel.
// Never: pixels of a device; those are the painter's.

export interface Size {
  readonly width_px: number;
  readonly height_px: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Region {
  readonly x_min_nm: number;
  readonly y_min_nm: number;
  readonly x_max_nm: number;
  readonly y_max_nm: number;
}

/** What lies in the middle, and how much of the sample one CSS pixel covers. */
export interface View {
  readonly x_nm: number;
  readonly y_nm: number;
  readonly nm_per_px: number;
}

/** Beyond these nothing is to be seen, and numbers lose digits: a tenth of a picometre and a millimetre per pixel. */
const NM_PER_PX_MIN = 1e-4;
const NM_PER_PX_MAX = 1e6;
const CENTRE_MAX_NM = 1e9;

const clamp = (value: number, least: number, most: number) => Math.min(most, Math.max(least, value));

function sane(view: View): View {
  return {
    x_nm: clamp(view.x_nm, -CENTRE_MAX_NM, CENTRE_MAX_NM),
    y_nm: clamp(view.y_nm, -CENTRE_MAX_NM, CENTRE_MAX_NM),
    nm_per_px: clamp(view.nm_per_px, NM_PER_PX_MIN, NM_PER_PX_MAX),
  };
}

export function toNm(view: View, size: Size, at: Point): Point {
  return {
    x: view.x_nm + (at.x - size.width_px / 2) * view.nm_per_px,
    y: view.y_nm + (at.y - size.height_px / 2) * view.nm_per_px,
  };
}

export function toPx(view: View, size: Size, nm: Point): Point {
  return {
    x: (nm.x - view.x_nm) / view.nm_per_px + size.width_px / 2,
    y: (nm.y - view.y_nm) / view.nm_per_px + size.height_px / 2,
  };
}

/** The content follows the pointer by so many pixels. */
export function panned(view: View, dx_px: number, dy_px: number): View {
  return sane({ ...view, x_nm: view.x_nm - dx_px * view.nm_per_px, y_nm: view.y_nm - dy_px * view.nm_per_px });
}

/** Magnified by `factor`; what lies under `at` stays there. */
export function zoomed(view: View, size: Size, at: Point, factor: number): View {
  const nm_per_px = clamp(view.nm_per_px / factor, NM_PER_PX_MIN, NM_PER_PX_MAX);
  const fixed = toNm(view, size, at);
  return sane({
    x_nm: fixed.x - (at.x - size.width_px / 2) * nm_per_px,
    y_nm: fixed.y - (at.y - size.height_px / 2) * nm_per_px,
    nm_per_px,
  });
}

/** Shows all of a region, with a margin as a share of the screen. */
export function fitted(region: Region, size: Size, margin = 0.04): View {
  const width_nm = Math.max(1, region.x_max_nm - region.x_min_nm);
  const height_nm = Math.max(1, region.y_max_nm - region.y_min_nm);
  const room = 1 - 2 * margin;
  return sane({
    x_nm: (region.x_min_nm + region.x_max_nm) / 2,
    y_nm: (region.y_min_nm + region.y_max_nm) / 2,
    nm_per_px: Math.max(width_nm / Math.max(1, size.width_px * room), height_nm / Math.max(1, size.height_px * room)),
  });
}

export function visible(view: View, size: Size): Region {
  const from = toNm(view, size, { x: 0, y: 0 });
  const to = toNm(view, size, { x: size.width_px, y: size.height_px });
  return { x_min_nm: from.x, y_min_nm: from.y, x_max_nm: to.x, y_max_nm: to.y };
}

/** What both cover; null: nothing. */
export function common(a: Region, b: Region): Region | null {
  const both = {
    x_min_nm: Math.max(a.x_min_nm, b.x_min_nm),
    y_min_nm: Math.max(a.y_min_nm, b.y_min_nm),
    x_max_nm: Math.min(a.x_max_nm, b.x_max_nm),
    y_max_nm: Math.min(a.y_max_nm, b.y_max_nm),
  };
  return both.x_min_nm < both.x_max_nm && both.y_min_nm < both.y_max_nm ? both : null;
}

/** The same picture? Then nothing has to be asked or drawn. */
export function same(a: View, b: View): boolean {
  return a.x_nm === b.x_nm && a.y_nm === b.y_nm && a.nm_per_px === b.nm_per_px;
}

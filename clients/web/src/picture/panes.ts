// How the picture area is divided. Pure.
// In: its size, what is to be seen. Out: one or two panes of equal size. Never: panes of different scale.

import type { Point, Size } from "./view";

export type Mode = "picture" | "side" | "blend" | "frame";

export interface Pane extends Size {
  readonly shows: "picture" | "frame" | "blend";
  readonly left_px: number;
  readonly top_px: number;
}

export function panes(area: Size, mode: Mode): Pane[] {
  if (mode !== "side") return [{ shows: mode, left_px: 0, top_px: 0, ...area }];
  const beside = area.width_px >= area.height_px;
  const size = beside
    ? { width_px: area.width_px / 2, height_px: area.height_px }
    : { width_px: area.width_px, height_px: area.height_px / 2 };
  const second = beside ? { left_px: size.width_px, top_px: 0 } : { left_px: 0, top_px: size.height_px };
  return [
    { shows: "picture", left_px: 0, top_px: 0, ...size },
    { shows: "frame", ...second, ...size },
  ];
}

/** A point of the area, in its pane. */
export function within(all: readonly Pane[], at: Point): Point {
  const inside = (pane: Pane) =>
    at.x >= pane.left_px &&
    at.y >= pane.top_px &&
    at.x < pane.left_px + pane.width_px &&
    at.y < pane.top_px + pane.height_px;
  const pane = all.find(inside) ?? all[0];
  return pane ? { x: at.x - pane.left_px, y: at.y - pane.top_px } : at;
}

// Draws the panes: tiles, camera frame, crosses, outlines.
// In: what is seen and what has come. Out: pixels of a canvas. Never: a request, a change of the view.

import { corner_nm, pixel_nm } from "../daemon/series";
import type { ShownFrame } from "../frame/frames";
import type { Acquisition } from "../gen/blinkd/v1/acquisitions_pb";
import type { Mosaic } from "./mosaic";
import type { Pane } from "./panes";
import { regionOf, visibleTiles } from "./pyramid";
import { type Region, type Size, toPx, type View, visible } from "./view";

export interface Scene {
  readonly panes: readonly Pane[];
  readonly view: View;
  readonly mosaic: Mosaic<ImageBitmap>;
  readonly series: Acquisition | null;
  readonly frame: ShownFrame | null;
  /** Share of the camera frame over the picture. */
  readonly blend: number;
  readonly crosses: boolean;
  readonly outlines: readonly Region[];
  readonly marked: Region | null;
  /** Outlined, where it is to be seen how far the picture reaches. */
  readonly field: Region | null;
}

/** As black as the daemon's tiles, which reach beyond the field. */
const GROUND = "#000";
const FIELD = "rgba(120, 140, 165, 0.35)";
const CROSS = "#4cc9ff";
const CROSS_SHADE = "rgba(0, 0, 0, 0.65)";
const OUTLINE = "rgba(160, 180, 205, 0.35)";
const MARK = "#ffb000";
const DIVIDER = "#1d2632";
/** A cross is seen however small its σ. */
const ARM_LEAST_PX = 5;

export function paint(context: CanvasRenderingContext2D, scene: Scene, dpr: number): void {
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.fillStyle = GROUND;
  context.fillRect(0, 0, context.canvas.width, context.canvas.height);
  for (const pane of scene.panes) {
    context.save();
    context.setTransform(dpr, 0, 0, dpr, pane.left_px * dpr, pane.top_px * dpr);
    context.beginPath();
    context.rect(0, 0, pane.width_px, pane.height_px);
    context.clip();
    paintPane(new Easel(context, scene.view, pane, dpr), scene, pane);
    context.restore();
  }
  const second = scene.panes[1];
  if (!second) return;
  context.setTransform(dpr, 0, 0, dpr, 0, 0);
  context.fillStyle = DIVIDER;
  if (second.left_px > 0) context.fillRect(second.left_px - 1, 0, 2, second.height_px);
  else context.fillRect(0, second.top_px - 1, second.width_px, 2);
}

function paintPane(easel: Easel, scene: Scene, pane: Pane): void {
  if (pane.shows !== "frame") paintTiles(easel, scene, pane);
  if (pane.shows !== "picture" && scene.frame && scene.series) {
    paintFrame(easel, scene.frame, scene.series, pane.shows === "blend" ? scene.blend : 1);
    if (scene.crosses) paintCrosses(easel, scene.frame, scene.series);
  }
  if (scene.field) easel.outline(scene.field, FIELD, 1);
  for (const outline of scene.outlines) easel.outline(outline, OUTLINE, 1);
  if (scene.marked) easel.outline(scene.marked, MARK, 2);
}

/** A canvas on which places are given in nm; edges fall on whole device pixels, so that tiles leave no seams. */
class Easel {
  readonly seen: Region;

  constructor(
    readonly context: CanvasRenderingContext2D,
    readonly view: View,
    readonly size: Size,
    readonly dpr: number,
  ) {
    this.seen = visible(view, size);
  }

  box(region: Region): { x: number; y: number; width: number; height: number } {
    const from = toPx(this.view, this.size, { x: region.x_min_nm, y: region.y_min_nm });
    const to = toPx(this.view, this.size, { x: region.x_max_nm, y: region.y_max_nm });
    const snap = (px: number) => Math.round(px * this.dpr) / this.dpr;
    const [x, y] = [snap(from.x), snap(from.y)];
    return { x, y, width: snap(to.x) - x, height: snap(to.y) - y };
  }

  outline(region: Region, colour: string, width_px: number): void {
    const { x, y, width, height } = this.box(region);
    if (width < 4 && height < 4) return;
    this.context.strokeStyle = colour;
    this.context.lineWidth = width_px;
    this.context.strokeRect(x + 0.5, y + 0.5, width, height);
  }

  image(bitmap: ImageBitmap, region: Region, smooth: boolean): void {
    const { x, y, width, height } = this.box(region);
    this.context.imageSmoothingEnabled = smooth;
    this.context.drawImage(bitmap, x, y, width, height);
  }
}

function paintTiles(easel: Easel, scene: Scene, pane: Pane): void {
  const { pyramid } = scene.mosaic;
  if (!pyramid) return;
  const nm_per_device_px = scene.view.nm_per_px / easel.dpr;
  for (const tile of visibleTiles(pyramid, visible(scene.view, pane), nm_per_device_px)) {
    const within = easel.box(regionOf(pyramid, tile));
    easel.context.save();
    easel.context.beginPath();
    easel.context.rect(within.x, within.y, within.width, within.height);
    easel.context.clip();
    for (const { index, bitmap } of scene.mosaic.drawn(tile)) {
      // Far inside, pixels are shown as what they are.
      const smooth = pyramid.base_pixel_nm * 2 ** index.level < 4 * nm_per_device_px;
      easel.image(bitmap, regionOf(pyramid, index), smooth);
    }
    easel.context.restore();
  }
}

function paintFrame(easel: Easel, shown: ShownFrame, series: Acquisition, share: number): void {
  const { frame, bitmap } = shown;
  const pixel = pixel_nm(series);
  const corner = corner_nm(series, frame.tileIndex);
  if (!corner) return;
  const shrunk = Math.max(1, frame.shrunkBy);
  const region = {
    x_min_nm: corner.x,
    y_min_nm: corner.y,
    x_max_nm: corner.x + bitmap.width * shrunk * pixel.x,
    y_max_nm: corner.y + bitmap.height * shrunk * pixel.y,
  };
  easel.context.globalAlpha = share;
  easel.image(bitmap, region, (shrunk * pixel.x) / easel.view.nm_per_px < 3);
  easel.context.globalAlpha = 1;
}

/** Arms as long as σ; the centre is the position. */
function paintCrosses(easel: Easel, shown: ShownFrame, series: Acquisition): void {
  const { frame } = shown;
  const { context } = easel;
  const pixel = pixel_nm(series);
  const corner = corner_nm(series, frame.tileIndex);
  if (!corner) return;
  context.beginPath();
  frame.xPx.forEach((x_px, at) => {
    const y_px = frame.yPx[at] ?? 0;
    const nm = { x: corner.x + (x_px + 0.5) * pixel.x, y: corner.y + (y_px + 0.5) * pixel.y };
    if (nm.x < easel.seen.x_min_nm || nm.x > easel.seen.x_max_nm) return;
    if (nm.y < easel.seen.y_min_nm || nm.y > easel.seen.y_max_nm) return;
    const centre = toPx(easel.view, easel.size, nm);
    const arm_x = Math.max(ARM_LEAST_PX, ((frame.sigmaXPx[at] ?? 0) * pixel.x) / easel.view.nm_per_px);
    const arm_y = Math.max(ARM_LEAST_PX, ((frame.sigmaYPx[at] ?? 0) * pixel.y) / easel.view.nm_per_px);
    context.moveTo(centre.x - arm_x, centre.y);
    context.lineTo(centre.x + arm_x, centre.y);
    context.moveTo(centre.x, centre.y - arm_y);
    context.lineTo(centre.x, centre.y + arm_y);
  });
  context.strokeStyle = CROSS_SHADE;
  context.lineWidth = 3;
  context.stroke();
  context.strokeStyle = CROSS;
  context.lineWidth = 1.25;
  context.stroke();
}

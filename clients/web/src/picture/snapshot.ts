// How large a snapshot will be. Pure.
// In: a region, the pyramid. Out: sizes one may choose from. Never: a size the daemon refuses.

import { create } from "@bufbuild/protobuf";
import { PictureFormat, type RenderPictureRequest, RenderPictureRequestSchema } from "../gen/blinkd/v1/preview_pb";
import { fileSafe, stamp } from "../units/format";
import { type LookChoice, toMessage } from "./look";
import type { Pyramid } from "./pyramid";
import type { Region } from "./view";

export const SIDE_MAX_PX = 8192;

export interface PixelChoice {
  readonly level: number;
  readonly pixel_nm: number;
  readonly width_px: number;
  readonly height_px: number;
  readonly fits: boolean;
}

/** Every level of the pyramid, the finest first. */
export function pixelChoices(pyramid: Pyramid, region: Region): PixelChoice[] {
  const choices: PixelChoice[] = [];
  for (let level = pyramid.finest_level; level < pyramid.levels; level += 1) {
    const pixel_nm = pyramid.base_pixel_nm * 2 ** level;
    const side = (low: number, high: number) => Math.ceil(high / pixel_nm) - Math.floor(low / pixel_nm);
    const width_px = side(region.x_min_nm, region.x_max_nm);
    const height_px = side(region.y_min_nm, region.y_max_nm);
    choices.push({ level, pixel_nm, width_px, height_px, fits: Math.max(width_px, height_px) <= SIDE_MAX_PX });
    if (Math.max(width_px, height_px) < 128) break;
  }
  return choices;
}

/** What would help where a size is too large. */
export function remedy(choices: readonly PixelChoice[], chosen: PixelChoice): string {
  if (chosen.fits) return "";
  const enough = choices.find((choice) => choice.fits);
  const larger = enough ? `take pixels of ${enough.pixel_nm} nm or more, or ` : "";
  return `${chosen.width_px} × ${chosen.height_px} pixels are too many (at most ${SIDE_MAX_PX} a side): ${larger}zoom in and take the view.`;
}

export interface Wish {
  readonly series_id: Uint8Array;
  readonly region: Region;
  readonly pixel_nm: number;
  readonly look: LookChoice;
  readonly format: PictureFormat;
  readonly scale_bar: boolean;
}

export function request({ series_id, region, pixel_nm, look, format, scale_bar }: Wish): RenderPictureRequest {
  return create(RenderPictureRequestSchema, {
    seriesId: series_id,
    viewport: {
      xMinNm: region.x_min_nm,
      yMinNm: region.y_min_nm,
      xMaxNm: region.x_max_nm,
      yMaxNm: region.y_max_nm,
    },
    pixelSizeNm: pixel_nm,
    look: toMessage(look),
    format,
    scaleBar: scale_bar && format === PictureFormat.PNG,
  });
}

export function fileName(series: string, format: PictureFormat, now: Date): string {
  return `${fileSafe(series)}_${stamp(now)}.${format === PictureFormat.OME_TIFF ? "ome.tif" : "png"}`;
}

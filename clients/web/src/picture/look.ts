// How the picture is drawn, as the person chose it.
// In: choices, or what an earlier visit of this tab left. Out: the API's Look. Never: a value the daemon refuses.

import { create } from "@bufbuild/protobuf";
import { ColourBy, Colours, Layer, type Look, LookSchema, Rendering } from "../gen/blinkd/v1/preview_pb";

export interface LookChoice {
  readonly layer: Layer;
  readonly rendering: Rendering;
  readonly colour_by: ColourBy;
  readonly colours: Colours;
  readonly gamma: number;
  readonly percentile: number;
  /** Ends of the colours; null: from the data. */
  readonly range: readonly [number, number] | null;
}

export const DEFAULT_LOOK: LookChoice = {
  layer: Layer.LOCALIZATIONS,
  rendering: Rendering.GAUSSIAN,
  colour_by: ColourBy.INTENSITY,
  colours: Colours.UNSPECIFIED,
  gamma: 0.6,
  percentile: 99.7,
  range: null,
};

export interface Limits {
  readonly min: number;
  readonly max: number;
  readonly step: number;
}

export const GAMMA: Limits = { min: 0.2, max: 3, step: 0.05 };
export const PERCENTILE: Limits = { min: 80, max: 100, step: 0.1 };

/** What a range may be, in the unit of the quantity that gives the hue. */
export function rangeLimits(colour_by: ColourBy): (Limits & { unit: string }) | null {
  switch (colour_by) {
    case ColourBy.Z:
      return { min: -2000, max: 2000, step: 10, unit: "nm" };
    case ColourBy.TIME:
      return { min: 0, max: 4_000_000_000, step: 1, unit: "frame" };
    case ColourBy.SIGMA:
      return { min: 0, max: 500, step: 1, unit: "nm" };
    default:
      return null;
  }
}

export function toMessage(look: LookChoice): Look {
  const [range_min, range_max] = look.range ?? [0, 0];
  return create(LookSchema, {
    layer: look.layer,
    rendering: look.rendering,
    colourBy: look.colour_by,
    colours: look.colours,
    gamma: look.gamma,
    percentile: look.percentile,
    rangeMin: range_min,
    rangeMax: range_max,
  });
}

/** The same text: the same tiles. */
export function keyOf(look: LookChoice): string {
  return JSON.stringify(look);
}

const within = (value: unknown, limits: Limits, otherwise: number) =>
  typeof value === "number" && value >= limits.min && value <= limits.max ? value : otherwise;
const oneOf = <T extends number>(value: unknown, known: readonly T[], otherwise: T) =>
  known.find((each) => each === value) ?? otherwise;

/** Reads what `keyOf` wrote; what makes no sense is the default. */
export function parse(text: string | null): LookChoice {
  let kept: Partial<Record<keyof LookChoice, unknown>> = {};
  try {
    kept = JSON.parse(text ?? "{}") ?? {};
  } catch {
    // Of another version: begin anew.
  }
  const range = Array.isArray(kept.range) ? kept.range : [];
  const [low, high] = [range[0], range[1]];
  return {
    layer: oneOf(kept.layer, [Layer.LOCALIZATIONS, Layer.A_NET, Layer.ERROR_MAP, Layer.WIDEFIELD], DEFAULT_LOOK.layer),
    rendering: oneOf(kept.rendering, [Rendering.GAUSSIAN, Rendering.HISTOGRAM], DEFAULT_LOOK.rendering),
    colour_by: oneOf(
      kept.colour_by,
      [ColourBy.INTENSITY, ColourBy.Z, ColourBy.TIME, ColourBy.SIGMA],
      DEFAULT_LOOK.colour_by,
    ),
    colours: oneOf(
      kept.colours,
      [Colours.UNSPECIFIED, Colours.FIRE, Colours.GREY, Colours.CIVIDIS, Colours.RAMP],
      DEFAULT_LOOK.colours,
    ),
    gamma: within(kept.gamma, GAMMA, DEFAULT_LOOK.gamma),
    percentile: within(kept.percentile, PERCENTILE, DEFAULT_LOOK.percentile),
    range: typeof low === "number" && typeof high === "number" && low < high ? [low, high] : null,
  };
}

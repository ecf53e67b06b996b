// Does a network fit a recording? Pure.
// In: the ranges of its card, what the recording shows. Out: each range with the number beside it.
// Never: "fits" where nothing is known.

import type { Acquisition, Measured } from "../gen/blinkd/v1/acquisitions_pb";
import type { Model, Range } from "../gen/blinkd/v1/models_pb";

export interface Fit {
  readonly name: string;
  readonly unit: string;
  readonly range: Range | undefined;
  /** Of the recording; null: not known. */
  readonly value: number | null;
  readonly fits: boolean | null;
}

export function fits(model: Model, series: Acquisition | null): Fit[] {
  const estimate = series?.estimate;
  const pixel = series && series.pixelSizeXNm > 0 ? series.pixelSizeXNm : null;
  return [
    range("pixel", "nm", model.pixelSizeNm, pixel),
    range("PSF σ", "nm", model.psfSigmaNm, known(estimate?.psfSigmaNm)),
    range("photons", "", model.photons, known(estimate?.photons)),
    range("background", "photons/px", model.backgroundPhotons, known(estimate?.backgroundPhotons)),
    range("z", "nm", model.zNm, null),
  ];
}

const known = (measured: Measured | undefined) => measured?.value ?? null;

function range(name: string, unit: string, made_for: Range | undefined, value: number | null): Fit {
  const both = value !== null && made_for !== undefined;
  return { name, unit, range: made_for, value, fits: both ? value >= made_for.min && value <= made_for.max : null };
}

/** What speaks against it, in one line; empty: nothing that is known. */
export function against(all: readonly Fit[]): string {
  return all
    .filter((each) => each.fits === false)
    .map((each) => each.name)
    .join(", ");
}

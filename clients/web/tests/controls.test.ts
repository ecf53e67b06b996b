import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { CAMERA, cameraToml, configuredCamera, FILTER, read, textOf } from "../src/controls/fields";
import { against, fits } from "../src/controls/fit";
import { AcquisitionSchema } from "../src/gen/blinkd/v1/acquisitions_pb";
import { ModelSchema } from "../src/gen/blinkd/v1/models_pb";

const CALIBRATION = {
  offset_adu: "100",
  e_per_adu: "0.46",
  em_gain: "",
  spurious_e: "0",
  qe: "0.9",
  read_noise_e: "1.6",
};

describe("the controls", () => {
  it("refuse numbers outside of their limits, in words", () => {
    const { values, problems } = read(CAMERA, { ...CALIBRATION, qe: "1.2", offset_adu: "" });
    expect(problems).toEqual({
      offset_adu: "Offset is needed: 0 to 65535 ADU",
      qe: "Quantum efficiency must be 0.01 to 1 e⁻/photon",
    });
    expect([values.qe, values.e_per_adu]).toEqual([null, 0.46]);
  });

  it("take an empty limit as none", () => {
    const texts = {
      sigma_lateral_max_px: "",
      sigma_z_max_nm: " ",
      photons_min: "200",
      photons_max: "",
      probability_min: "",
    };
    const { values, problems } = read(FILTER, texts);
    expect(problems).toEqual({});
    expect([values.sigma_lateral_max_px, values.photons_min]).toEqual([null, 200]);
  });

  it("write a calibration as the daemon's configuration reads it", () => {
    const { values } = read(CAMERA, { ...CALIBRATION, em_gain: "300" });
    expect(cameraToml(values)).toBe(
      "[camera]\noffset_adu = 100.0\ne_per_adu = 0.46\nem_gain = 300.0\nspurious_e = 0.0\nqe = 0.9",
    );
  });

  it("begin with the daemon's own calibration", () => {
    const toml =
      "[ring]\nqe = 3\n\n[camera]\npixel_size_nm = 100.0\noffset_adu = 102.5\nqe = 0.82\nem_gain = 1.0\n\n[model]\ne_per_adu = 7\n";
    expect(configuredCamera(toml)).toEqual({ offset_adu: 102.5, qe: 0.82, em_gain: 1 });
    expect(configuredCamera("")).toEqual({});
  });

  it("show a 32-bit float as it was typed", () => {
    expect(textOf(Math.fround(0.3))).toBe("0.3");
    expect(textOf(undefined)).toBe("");
  });
});

describe("the fit of a network", () => {
  const model = create(ModelSchema, {
    pixelSizeNm: { min: 95, max: 130 },
    psfSigmaNm: { min: 110, max: 160 },
    photons: { min: 500, max: 10_000 },
  });

  it("says where a recording lies outside", () => {
    const series = create(AcquisitionSchema, {
      pixelSizeXNm: 65,
      estimate: { psfSigmaNm: { value: 140 }, photons: { value: 300 } },
    });
    expect(against(fits(model, series))).toBe("pixel, photons");
  });

  it("does not claim to fit what is not known", () => {
    expect(fits(model, null).map((each) => each.fits)).toEqual([null, null, null, null, null]);
    const background = fits(model, create(AcquisitionSchema, { estimate: { backgroundPhotons: { value: 20 } } }))[3];
    expect([background?.value, background?.fits]).toEqual([20, null]);
  });
});

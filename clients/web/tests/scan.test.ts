import { create } from "@bufbuild/protobuf";
import { expect, describe as group, it } from "vitest";
import { ScanSchema, type ScanTile, ScanTileSchema, TileState } from "../src/gen/blinkd/v1/scans_pb";
import { colourOfState, SIGNS } from "../src/scan/colours";
import { describe, savedOf, seamsOf, sentences, spoken } from "../src/scan/describe";
import { ended, QUANTITIES, STATES, stateName } from "../src/scan/tiles";

const NEWER = 99 as TileState;
const DRIFTED = "The sample drifted by 310 nm; more than 100 nm is too far.";

function suspect(): ScanTile {
  return create(ScanTileSchema, {
    state: TileState.SUSPECT,
    visits: 1,
    tile: { tileIndex: 3, row: 1, column: 2, localizations: 5000n, account: { received: 10n } },
    report: {
      merged: 1700n,
      frcNm: 42,
      driftNm: 310,
      movedXNm: -120,
      movedYNm: 35,
      placedBySeams: true,
      reasons: [{ kind: "drifted", text: DRIFTED }],
      unknown: ["saturation", "focus"],
    },
  });
}

group("a suspect tile", () => {
  it("tells its resolution, drift, merged localizations and how the seams moved it", () => {
    const text = describe(suspect()).replaceAll("\u202f", " ");
    expect(text).toContain("Tile 3 (row 1, column 2): suspect · localizations 5 000");
    expect(text).toContain("localizations, merged 1 700 · resolution (FRC) 42 nm · drift 310 nm");
    expect(text).toContain("moved by seams x -120 nm, y 35 nm");
  });

  it("says why in the daemon's sentences, also to those who hear the page", () => {
    expect(sentences(suspect())).toEqual({ wrong: [DRIFTED], unknown: ["Not judged: saturation, focus."] });
    expect(spoken(suspect())).toContain(DRIFTED);
  });

  it("says why a number is not there", () => {
    const tile = create(ScanTileSchema, { report: { noFrc: "too few localizations", noDrift: "not yet" } });
    expect(sentences(tile).unknown).toEqual(["No resolution: too few localizations.", "No drift: not yet."]);
  });

  it("counts among those of which nothing more comes", () => {
    expect(ended(create(ScanSchema, { tilesByState: { done: 5, failed: 1, suspect: 2, retake: 4 } }))).toBe(8);
  });
});

group("early stops", () => {
  const saved = (framesSaved: bigint, secondsSaved: number) =>
    savedOf(create(ScanSchema, { earlyStop: true, framesSaved, secondsSaved }));

  it("tell the time they saved, or the frames where nobody knows how fast those come", () => {
    expect(saved(6000n, 60)).toEqual({ value: "1\u202fmin", rest: "6\u202f000 frames" });
    expect(saved(6000n, 0)).toEqual({ value: "6\u202f000", rest: "frames" });
    expect(saved(0n, 0)).toEqual({ value: "0", rest: "frames" });
  });

  it("are not spoken of where no tile is watched for them", () => {
    expect(savedOf(create(ScanSchema, {}))).toBeNull();
  });
});

group("a tile without a report", () => {
  const plain = create(ScanTileSchema, { state: TileState.DONE, tile: { account: { received: 10n } } });

  it("has none of a report's numbers and sentences", () => {
    const given = QUANTITIES.filter((quantity) => quantity.of(plain) !== null).map(({ name }) => name);
    expect(given).toEqual(["localizations", "lost and missing"]);
    expect(sentences(plain)).toEqual({ wrong: [], unknown: [] });
  });

  it("of which the stage said where it is, moved with those beside it", () => {
    const tile = create(ScanTileSchema, { tile: {}, report: { movedXNm: 1, movedYNm: 2 } });
    expect(describe(tile)).toContain("moved with the tiles beside it");
  });
});

group("seams", () => {
  it("are told with what did not fit", () => {
    const seams = { matched: 7, rejected: 1, without: 2, residualNm: 8.4 };
    expect(seamsOf(create(ScanSchema, { seams }))).toEqual({
      value: "7",
      rest: "1 rejected · 2 without overlap to match · residual 8.4\u202fnm",
    });
    expect(seamsOf(create(ScanSchema, { seams: { matched: 2 } })).rest).toBe("0 rejected");
  });

  it("are a dash before any two tiles are finished", () => {
    expect(seamsOf(create(ScanSchema))).toEqual({ value: "–", rest: "" });
    expect(seamsOf(create(ScanSchema, { seams: {} })).value).toBe("–");
  });
});

group("the states of tiles", () => {
  it("each have a name in the legend; one of a newer daemon looks like none", () => {
    expect(STATES.map(({ state }) => state)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect([stateName(NEWER), colourOfState(NEWER)]).toEqual(["unknown", colourOfState(TileState.UNSPECIFIED)]);
  });

  it("have signs of their own where something is wrong", () => {
    const signs = [TileState.FAILED, TileState.RETAKE, TileState.SUSPECT].map((state) => SIGNS[state]);
    expect(new Set(signs).size).toBe(3);
  });

  it("suspect is told from every other one by all who see colours otherwise", () => {
    const others = STATES.map(({ state }) => state).filter((state) => state !== TileState.SUSPECT);
    for (const [name, eye] of Object.entries(EYES)) {
      const nearest = Math.min(...others.map((state) => apart(colourOfState(state), SUSPECT, eye)));
      expect(nearest, name).toBeGreaterThan(20);
    }
  });
});

/** Machado, Oliveira and Fernandes 2009, table 1, severity 1: linear RGB as it is seen. */
const EYES = {
  usual: [1, 0, 0, 0, 1, 0, 0, 0, 1],
  protanopia: [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
  deuteranopia: [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
  tritanopia: [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
} as const;
const SRGB = [0.4124, 0.3576, 0.1805, 0.2126, 0.7152, 0.0722, 0.0193, 0.1192, 0.9505] as const;
const SUSPECT = colourOfState(TileState.SUSPECT);

type Three = [number, number, number];

function times(m: readonly number[], [x, y, z]: Three): Three {
  const row = (at: number) => (m[at] ?? 0) * x + (m[at + 1] ?? 0) * y + (m[at + 2] ?? 0) * z;
  return [row(0), row(3), row(6)];
}

/** CIE L*a*b* under D65 of "#rrggbb". */
function lab(hex: string, eye: readonly number[]): Three {
  const channel = (at: number) => Number.parseInt(hex.slice(at, at + 2), 16) / 255;
  const linear = (c: number) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  const seen = times(eye, [linear(channel(1)), linear(channel(3)), linear(channel(5))]);
  const [r, g, b] = seen.map((c) => Math.min(1, Math.max(0, c))) as Three;
  const f = (t: number) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
  const [x, y, z] = times(SRGB, [r, g, b]);
  const [fx, fy, fz] = [f(x / 0.95047), f(y), f(z / 1.08883)];
  return [116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)];
}

/** ΔE of 1976: about 2 can just be seen. */
function apart(one: string, other: string, eye: readonly number[]): number {
  const [a, b] = [lab(one, eye), lab(other, eye)];
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

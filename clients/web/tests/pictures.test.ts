import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { ColourBy, Colours, PictureFormat, Rendering } from "../src/gen/blinkd/v1/preview_pb";
import { ScanTileSchema, TileState } from "../src/gen/blinkd/v1/scans_pb";
import { DEFAULT_LOOK, keyOf, parse, toMessage } from "../src/picture/look";
import { panes, within } from "../src/picture/panes";
import { fileName, pixelChoices, remedy, SIDE_MAX_PX } from "../src/picture/snapshot";
import { colourOf, colourOfState } from "../src/scan/colours";
import { QUANTITIES, STATES, scaleOf, seconds } from "../src/scan/tiles";

const PYRAMID = { base_pixel_nm: 10, finest_level: 0, levels: 13, tile_px: 256, bounds: null };

describe("a snapshot", () => {
  it("offers the finest pixel first, and refuses too large sizes with the remedy", () => {
    const choices = pixelChoices(PYRAMID, { x_min_nm: 0, y_min_nm: 0, x_max_nm: 100_000, y_max_nm: 50_000 });
    const [finest, next] = choices;
    if (!finest || !next) throw new Error("there are sizes");
    expect([finest.pixel_nm, finest.width_px, finest.fits]).toEqual([10, 10_000, false]);
    expect(remedy(choices, finest)).toContain("pixels of 20 nm or more");
    expect([next.width_px, next.fits, remedy(choices, next)]).toEqual([5000, true, ""]);
    expect(finest.width_px).toBeGreaterThan(SIDE_MAX_PX);
  });

  it("begins at the finest level that is still kept", () => {
    const region = { x_min_nm: 0, y_min_nm: 0, x_max_nm: 10_000, y_max_nm: 10_000 };
    expect(pixelChoices({ ...PYRAMID, finest_level: 2 }, region)[0]?.pixel_nm).toBe(40);
  });

  it("is named after series and time", () => {
    const now = new Date(2026, 10, 6, 7, 8, 9);
    expect(fileName("cell 3 / green", PictureFormat.OME_TIFF, now)).toBe("cell-3-green_2026-11-06_07-08-09.ome.tif");
  });
});

describe("the look", () => {
  it("survives being written down", () => {
    const look = {
      ...DEFAULT_LOOK,
      colour_by: ColourBy.Z,
      range: [-300, 300] as const,
      rendering: Rendering.HISTOGRAM,
    };
    expect(parse(keyOf(look))).toEqual(look);
  });

  it("is the default where what was written makes no sense", () => {
    for (const text of [null, "", "{", "null", '{"gamma":99,"colours":77,"range":[3,1]}']) {
      expect(parse(text)).toEqual(DEFAULT_LOOK);
    }
  });

  it("lets the daemon find the range", () => {
    const message = toMessage({ ...DEFAULT_LOOK, colours: Colours.CIVIDIS });
    expect([message.rangeMin, message.rangeMax, message.colours]).toEqual([0, 0, Colours.CIVIDIS]);
  });
});

describe("panes", () => {
  it("lie beside each other on a screen, above each other on a phone", () => {
    const [, beside] = panes({ width_px: 1000, height_px: 600 }, "side");
    expect(beside).toEqual({ shows: "frame", left_px: 500, top_px: 0, width_px: 500, height_px: 600 });
    const [, below] = panes({ width_px: 390, height_px: 700 }, "side");
    expect(below).toEqual({ shows: "frame", left_px: 0, top_px: 350, width_px: 390, height_px: 350 });
  });

  it("see the same place at the same point", () => {
    const both = panes({ width_px: 1000, height_px: 600 }, "side");
    expect(within(both, { x: 620, y: 50 })).toEqual(within(both, { x: 120, y: 50 }));
  });
});

describe("a scan's numbers", () => {
  const tile = (localizations: bigint, received = 10n) =>
    create(ScanTileSchema, { state: TileState.DONE, tile: { localizations, account: { received } } });
  const [byLocalizations] = QUANTITIES;

  it("span the tiles that came, not those that are only planned", () => {
    if (!byLocalizations) throw new Error("there is a quantity");
    const planned = create(ScanTileSchema, { state: TileState.PLANNED, tile: { tileIndex: 9 } });
    expect(scaleOf([tile(5n), tile(9n), planned], byLocalizations)).toEqual({ low: 5, high: 9 });
    expect(scaleOf([planned], byLocalizations)).toBeNull();
  });

  it("know the time of a tile only where both ends are known", () => {
    const ends = { firstArrivalUnixNs: 1_000_000_000n, lastDoneUnixNs: 3_500_000_000n };
    expect(seconds(create(ScanTileSchema, { tile: ends }).tile ?? never())).toBe(2.5);
    expect(seconds(create(ScanTileSchema, { tile: { ...ends, firstArrivalUnixNs: 0n } }).tile ?? never())).toBeNull();
  });

  it("are told apart by colour", () => {
    expect(new Set(STATES.map(({ state }) => colourOfState(state))).size).toBe(7);
    expect(colourOf(0, { low: 0, high: 1 })).not.toBe(colourOf(1, { low: 0, high: 1 }));
    expect(colourOf(3, { low: 3, high: 3 })).toMatch(/^rgb/);
  });
});

function never(): never {
  throw new Error("it is there");
}

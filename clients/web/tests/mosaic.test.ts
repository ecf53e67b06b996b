import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { type GetTilesRequest, type GetTilesResponse, GetTilesResponseSchema } from "../src/gen/blinkd/v1/preview_pb";
import { DEFAULT_LOOK } from "../src/picture/look";
import { Mosaic, type Sight, TILES_KEPT } from "../src/picture/mosaic";

class Bitmap {
  static open = 0;
  closed = false;
  constructor(readonly text: string) {
    Bitmap.open += 1;
  }
  close(): void {
    if (!this.closed) Bitmap.open -= 1;
    this.closed = true;
  }
}

const SIDE_NM = 2560;
const SEEN = { x_min_nm: 0, y_min_nm: 0, x_max_nm: 2 * SIDE_NM, y_max_nm: SIDE_NM };
const SIGHT: Sight = {
  series_id: new Uint8Array([1]),
  look: DEFAULT_LOOK,
  seen: SEEN,
  nm_per_device_px: 10,
};

/** Answers like the daemon: tiles newer than the viewer's version, all of them after a reset. */
function answer(
  request: GetTilesRequest,
  there: Record<string, bigint>,
  more: { generation?: bigint; reset?: boolean; left?: string[]; white?: number } = {},
): GetTilesResponse {
  const generation = more.generation ?? 7n;
  const reset = more.reset ?? (request.generation !== generation || !request.tone);
  const changed = request.tiles.filter(({ x, y, version }) => {
    const now = there[`${x},${y}`];
    return now !== undefined && (reset || now > version);
  });
  const late = changed.filter(({ x, y }) => more.left?.includes(`${x},${y}`));
  const drawn = changed.filter((tile) => !late.includes(tile));
  const version = BigInt(Math.max(0, ...Object.values(there).map(Number)));
  return create(GetTilesResponseSchema, {
    seriesId: request.seriesId,
    generation,
    version,
    level: request.level,
    reset,
    tiles: drawn.map(({ x, y }) => ({
      level: request.level,
      tileX: x,
      tileY: y,
      png: new TextEncoder().encode(`${request.level}/${x},${y}@${version}`),
    })),
    left: late.map(({ x, y, version: had }) => ({ x, y, version: had })),
    tone: { white: more.white ?? 5 },
    basePixelNm: 10,
    finestLevel: 0,
    levels: 13,
    tilePx: 256,
    bounds: { xMinNm: 0, yMinNm: 0, xMaxNm: 1e6, yMaxNm: 1e6 },
  });
}

const decode = (png: Uint8Array) => Promise.resolve(new Bitmap(new TextDecoder().decode(png)));

/** One that knows the pyramid already. */
async function ready(): Promise<Mosaic<Bitmap>> {
  const mosaic = new Mosaic<Bitmap>(decode);
  const asked = mosaic.ask(SIGHT);
  expect(asked.request.tiles).toEqual([]);
  expect(await mosaic.take(asked, answer(asked.request, {}))).toBe(true);
  return mosaic;
}

async function turn(mosaic: Mosaic<Bitmap>, there: Record<string, bigint>, sight = SIGHT, more = {}): Promise<boolean> {
  const asked = mosaic.ask(sight);
  return mosaic.take(asked, answer(asked.request, there, more));
}

const drawn = (mosaic: Mosaic<Bitmap>, x: number, y: number, level = 0) =>
  mosaic.drawn({ level, x, y }).map(({ bitmap }) => bitmap.text);

describe("the mosaic", () => {
  it("asks for visible tiles only, each with the version it has", async () => {
    const mosaic = await ready();
    await turn(mosaic, { "0,0": 3n, "1,0": 4n });
    const { request } = mosaic.ask(SIGHT);
    expect(request.tiles.map(({ x, y, version }) => [x, y, version])).toEqual([
      [0, 0, 4n],
      [1, 0, 4n],
    ]);
    expect([request.generation, request.tone?.white]).toEqual([7n, 5]);
  });

  it("keeps a tile that did not change", async () => {
    const mosaic = await ready();
    await turn(mosaic, { "0,0": 3n, "1,0": 3n });
    await turn(mosaic, { "0,0": 3n, "1,0": 9n });
    expect([drawn(mosaic, 0, 0), drawn(mosaic, 1, 0)]).toEqual([["0/0,0@3"], ["0/1,0@9"]]);
  });

  it("asks again at once for what there was no time for, and shows the old until it comes", async () => {
    const mosaic = await ready();
    await turn(mosaic, { "0,0": 3n, "1,0": 3n });
    expect(await turn(mosaic, { "0,0": 8n, "1,0": 8n }, SIGHT, { left: ["1,0"] })).toBe(true);
    expect([drawn(mosaic, 0, 0), drawn(mosaic, 1, 0)]).toEqual([["0/0,0@8"], ["0/1,0@3"]]);
    expect(mosaic.ask(SIGHT).request.tiles.find((tile) => tile.x === 1)?.version).toBe(3n);
  });

  it("after another tone asks for all anew without a flash, and drops what is empty now", async () => {
    const mosaic = await ready();
    await turn(mosaic, { "0,0": 3n, "1,0": 3n });
    await turn(mosaic, { "0,0": 3n }, SIGHT, { reset: true });
    expect([drawn(mosaic, 0, 0), drawn(mosaic, 1, 0)]).toEqual([["0/0,0@3"], []]);
  });

  it("forgets other levels when the map was made anew", async () => {
    const mosaic = await ready();
    const far = { ...SIGHT, nm_per_device_px: 20 };
    await turn(mosaic, { "0,0": 3n }, far);
    expect(drawn(mosaic, 1, 0)).toEqual(["1/0,0@3"]);
    await turn(mosaic, {}, SIGHT, { generation: 8n });
    expect(drawn(mosaic, 0, 0, 1)).toEqual([]);
  });

  it("shows coarser tiles until finer ones come, and nothing where there is nothing", async () => {
    const mosaic = await ready();
    await turn(mosaic, { "0,0": 3n }, { ...SIGHT, nm_per_device_px: 20 });
    expect(drawn(mosaic, 1, 0)).toEqual(["1/0,0@3"]);
    await turn(mosaic, { "0,0": 3n });
    expect([drawn(mosaic, 0, 0), drawn(mosaic, 1, 0)]).toEqual([["0/0,0@3"], []]);
  });

  it("shows finer tiles until the coarser one comes", async () => {
    const mosaic = await ready();
    await turn(mosaic, { "0,0": 3n, "1,0": 3n });
    expect(drawn(mosaic, 0, 0, 1)).toEqual(["0/0,0@3", "0/1,0@3"]);
  });

  it("never shows a tile of another series, also one that was on its way", async () => {
    const mosaic = await ready();
    await turn(mosaic, { "0,0": 3n });
    const late = mosaic.ask(SIGHT);
    mosaic.ask({ ...SIGHT, series_id: new Uint8Array([2]) });
    await mosaic.take(late, answer(late.request, { "0,0": 5n }));
    expect(drawn(mosaic, 0, 0)).toEqual([]);
    expect(mosaic.tiles).toBe(0);
  });

  it("keeps the picture while another look is drawn, and asks for all of it", async () => {
    const mosaic = await ready();
    await turn(mosaic, { "0,0": 3n });
    const { request } = mosaic.ask({ ...SIGHT, look: { ...DEFAULT_LOOK, gamma: 1 } });
    expect(drawn(mosaic, 0, 0)).toEqual(["0/0,0@3"]);
    expect(request.tone).toBeUndefined();
    expect(request.tiles.every((tile) => tile.version === 0n)).toBe(true);
  });

  it("keeps a bounded number of bitmaps however far one wanders, and closes the others", async () => {
    Bitmap.open = 0;
    const mosaic = await ready();
    for (let step = 0; step < 500; step += 1) {
      const x = step * 2 * SIDE_NM;
      const seen = { ...SEEN, x_min_nm: x, x_max_nm: x + 2 * SIDE_NM };
      const there = { [`${2 * step},0`]: 3n, [`${2 * step + 1},0`]: 3n };
      await turn(mosaic, there, { ...SIGHT, seen });
    }
    expect(mosaic.tiles).toBeLessThanOrEqual(TILES_KEPT);
    expect(Bitmap.open).toBe(mosaic.tiles);
    mosaic.forget();
    expect(Bitmap.open).toBe(0);
  });
});

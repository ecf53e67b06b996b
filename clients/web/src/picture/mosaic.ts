// The tiles the viewer has, and what it has to ask for.
// In: what is seen, answers of GetTiles. Out: requests that name the visible tiles and no others; bitmaps to draw.
// Never: a tile of another series or look drawn as if it were of this one, more bitmaps than the cache's limit.

import { create } from "@bufbuild/protobuf";
import {
  type GetTilesRequest,
  GetTilesRequestSchema,
  type GetTilesResponse,
  type Legend,
  type Tone,
} from "../gen/blinkd/v1/preview_pb";
import { Cache, type Closable } from "./cache";
import { type LookChoice, keyOf as lookKey, toMessage } from "./look";
import { ancestor, children, keyOf, type Pyramid, type TileIndex, visibleTiles } from "./pyramid";
import type { Region } from "./view";

export const TILES_KEPT = 400;
/** So many levels up or down stand in for a tile that has not come yet. */
const STAND_IN_LEVELS = 6;

export interface Tile<B extends Closable> extends Closable {
  readonly bitmap: B;
  /** As it came; 0: drawn with an earlier tone or look, to be asked for anew. */
  version: bigint;
  readonly level: number;
}

/** What is seen. */
export interface Sight {
  readonly series_id: Uint8Array;
  readonly look: LookChoice;
  readonly seen: Region;
  readonly nm_per_device_px: number;
}

/** A request, and what it was made for. */
export interface Asked {
  readonly request: GetTilesRequest;
  readonly epoch: number;
  readonly tiles: readonly TileIndex[];
}

export type Decode<B> = (png: Uint8Array) => Promise<B>;

export class Mosaic<B extends Closable> {
  #cache = new Cache<Tile<B>>(TILES_KEPT);
  #decode: Decode<B>;
  #tones = new Map<number, Tone>();
  #empty = new Set<string>();
  #generation = 0n;
  /** Grows with each change of series or look: answers to earlier questions are dropped. */
  #epoch = 0;
  #series = "";
  #look = "";
  pyramid: Pyramid | null = null;
  legend: Legend | null = null;
  trueForSeq = 0n;
  localizations = 0n;

  constructor(decode: Decode<B>) {
    this.#decode = decode;
  }

  get tiles(): number {
    return this.#cache.size;
  }

  /** Everything is forgotten: the daemon is another one, or the picture is of something else. */
  forget(): void {
    this.#epoch += 1;
    this.#cache.clear();
    this.#tones.clear();
    this.#empty.clear();
    this.#generation = 0n;
    this.pyramid = null;
    this.legend = null;
    this.trueForSeq = 0n;
    this.localizations = 0n;
  }

  ask(sight: Sight): Asked {
    this.#follow(sight);
    const tiles = this.pyramid ? visibleTiles(this.pyramid, sight.seen, sight.nm_per_device_px) : [];
    const level = tiles[0]?.level ?? this.pyramid?.finest_level ?? 0;
    const tone = this.#tones.get(level);
    const request = create(GetTilesRequestSchema, {
      seriesId: sight.series_id,
      look: toMessage(sight.look),
      level,
      generation: this.#generation,
      tiles: tiles.map((tile) => ({ x: tile.x, y: tile.y, version: this.#cache.get(keyOf(tile))?.version ?? 0n })),
      ...(tone ? { tone } : {}),
    });
    return { request, epoch: this.#epoch, tiles };
  }

  #follow(sight: Sight): void {
    // Of another layer what is on the screen would stay where there is nothing to take its place.
    const [series, look] = [`${sight.series_id.join(",")} ${sight.look.layer}`, lookKey(sight.look)];
    if (series !== this.#series) {
      this.forget();
    } else if (look !== this.#look) {
      // What is on the screen stays until it was drawn anew: no flash.
      this.#epoch += 1;
      this.#tones.clear();
      this.#cache.forEach((tile) => {
        tile.version = 0n;
      });
    }
    this.#series = series;
    this.#look = look;
  }

  /** Is there more to be asked for at once? */
  async take(asked: Asked, answer: GetTilesResponse): Promise<boolean> {
    if (asked.epoch !== this.#epoch) return true;
    const bitmaps = await Promise.all(answer.tiles.map((tile) => this.#decode(tile.png)));
    if (asked.epoch !== this.#epoch) {
      for (const bitmap of bitmaps) bitmap.close();
      return true;
    }
    const anew = this.pyramid === null || answer.level !== asked.request.level;
    this.#describe(answer);
    answer.tiles.forEach((tile, at) => {
      const bitmap = bitmaps[at];
      if (bitmap === undefined) return;
      const index = { level: answer.level, x: tile.tileX, y: tile.tileY };
      this.#empty.delete(keyOf(index));
      this.#cache.put(keyOf(index), {
        bitmap,
        version: answer.version,
        level: answer.level,
        close: () => bitmap.close(),
      });
    });
    if (!anew) this.#settle(asked, answer);
    return anew || answer.left.length > 0;
  }

  #describe(answer: GetTilesResponse): void {
    if (answer.generation !== this.#generation) {
      this.#cache.drop((_key, tile) => tile.level !== answer.level);
      this.#tones.clear();
      this.#empty.clear();
    }
    if (answer.reset) {
      this.#cache.forEach((tile) => {
        if (tile.level === answer.level) tile.version = 0n;
      });
    }
    this.#generation = answer.generation;
    if (answer.tone) this.#tones.set(answer.level, answer.tone);
    this.legend = answer.legend ?? null;
    this.trueForSeq = answer.trueForSeq;
    this.localizations = answer.localizations;
    this.pyramid = {
      base_pixel_nm: answer.basePixelNm,
      finest_level: answer.finestLevel,
      levels: answer.levels,
      tile_px: answer.tilePx,
      bounds: regionOfMessage(answer.bounds),
    };
  }

  /** Of the tiles asked for, those that neither came nor are left and of which nothing current is here hold nothing. */
  #settle(asked: Asked, answer: GetTilesResponse): void {
    const left = new Set(answer.left.map((tile) => keyOf({ level: answer.level, x: tile.x, y: tile.y })));
    for (const tile of asked.tiles) {
      const key = keyOf(tile);
      if (left.has(key)) continue;
      const there = this.#cache.get(key);
      if (there === undefined) this.#empty.add(key);
      else if (there.version === 0n) this.#cache.drop((each) => each === key);
    }
    if (this.#empty.size > 16 * TILES_KEPT) this.#empty.clear();
  }

  /** What to draw for a tile: itself, or parts of others that cover it. */
  drawn(tile: TileIndex): { index: TileIndex; bitmap: B }[] {
    const own = this.#bitmap(tile);
    if (own) return [{ index: tile, bitmap: own }];
    if (this.#empty.has(keyOf(tile))) return [];
    for (let up = 1; up <= STAND_IN_LEVELS; up += 1) {
      const coarser = ancestor(tile, up);
      const bitmap = this.#bitmap(coarser);
      if (bitmap) return [{ index: coarser, bitmap }];
    }
    const finer = children(tile).flatMap((child) => [child, ...children(child)]);
    return finer.flatMap((index) => {
      const bitmap = this.#bitmap(index);
      return bitmap ? [{ index, bitmap }] : [];
    });
  }

  #bitmap(tile: TileIndex): B | undefined {
    return this.#cache.get(keyOf(tile))?.bitmap;
  }
}

function regionOfMessage(
  bounds: { xMinNm: number; yMinNm: number; xMaxNm: number; yMaxNm: number } | undefined,
): Region | null {
  if (!bounds || bounds.xMaxNm <= bounds.xMinNm || bounds.yMaxNm <= bounds.yMinNm) return null;
  return { x_min_nm: bounds.xMinNm, y_min_nm: bounds.yMinNm, x_max_nm: bounds.xMaxNm, y_max_nm: bounds.yMaxNm };
}

// What the picture area shows: view, look, mode; and the question for its tiles.
// In: gestures and choices, the daemon's answers. Out: signals for the painter and the overlays.
// Never: a request for tiles that are not on the screen.

import { computed, effect, signal } from "@preact/signals";
import type { Poller } from "../connection/poller";
import { orNothing, said } from "../connection/transport";
import { type Daemon, isOpen, onChange } from "../daemon/daemon";
import { field, isWidefield } from "../daemon/series";
import { Frames } from "../frame/frames";
import type { GetTilesResponse } from "../gen/blinkd/v1/preview_pb";
import { keyOf, type LookChoice, parse } from "./look";
import { type Asked, Mosaic } from "./mosaic";
import { type Mode, type Pane, panes } from "./panes";
import { fitted, type Point, panned, type Region, type Size, type View, visible, zoomed } from "./view";

const TIMEOUT_MS = 5000;
const GROWING_MS = 250;
const STILL_MS = 1500;
const LOOK = "blinkd.look";

export class Picture {
  readonly look = signal<LookChoice>(parse(sessionStorage.getItem(LOOK)));
  readonly mode = signal<Mode>("picture");
  /** How much of the camera frame covers the picture, 0 to 1. */
  readonly blend = signal(0.5);
  readonly crosses = signal(true);
  readonly outlines = signal(true);
  /** A tile of a scan that is pointed out. */
  readonly marked = signal<Region | null>(null);
  readonly area = signal<Size>({ width_px: 0, height_px: 0 });
  readonly view = signal<View>({ x_nm: 0, y_nm: 0, nm_per_px: 20 });
  readonly cursor = signal<Point | null>(null);
  /** A click that moved nothing. */
  readonly taps = signal(0);
  /** The person has not moved the view: it follows the bounds. */
  readonly follows = signal(true);
  /** Why there are no tiles, in the daemon's words; empty: there are. */
  readonly trouble = signal("");
  /** Grows when there is something else to draw. */
  readonly drawn = signal(0);
  readonly bounds = signal<Region | null>(null);
  readonly mosaic = new Mosaic<ImageBitmap>((png) =>
    createImageBitmap(new Blob([new Uint8Array(png)], { type: "image/png" })),
  );
  readonly frames: Frames;
  readonly shownMode = computed<Mode>(() => (isWidefield(this.daemon.acquisition.value) ? "frame" : this.mode.value));
  readonly panes = computed<Pane[]>(() => panes(this.area.value, this.shownMode.value));
  readonly pane = computed<Size>(() => this.panes.value[0] ?? this.area.value);
  #tiles: Poller<void>;
  #more = false;
  /** The last series that was shown. */
  #shown = "";

  constructor(readonly daemon: Daemon) {
    this.frames = new Frames(daemon);
    this.#tiles = this.#poll();
    onChange(daemon.seriesKey, () => this.#anotherSeries());
    daemon.onReturn((another) => {
      if (another) this.mosaic.forget();
      this.#redraw();
    });
    onChange(this.look, () => {
      sessionStorage.setItem(LOOK, keyOf(this.look.peek()));
      this.#tiles.poke();
    });
    for (const changed of [this.view, this.area] as const) onChange<unknown>(changed, this.#moved);
    onChange(this.shownMode, () => {
      if (this.follows.peek()) this.fit();
      this.#moved();
    });
    effect(() => {
      this.frames.wanted.value = this.shownMode.value !== "picture";
    });
    effect(() => {
      // Before the first localization, and of a widefield series, the camera's field is all there is.
      const known = field(this.daemon.acquisition.value);
      if (known && this.bounds.peek() === null) this.#grow(known);
    });
  }

  readonly #moved = () => {
    this.#tiles.poke();
    this.#redraw();
  };

  fit(): void {
    this.follows.value = true;
    const bounds = this.bounds.peek();
    if (bounds) this.view.value = fitted(bounds, this.pane.peek());
  }

  show(region: Region): void {
    this.follows.value = false;
    this.view.value = fitted(region, this.pane.peek(), 0.1);
  }

  pan(dx_px: number, dy_px: number): void {
    this.follows.value = false;
    this.view.value = panned(this.view.peek(), dx_px, dy_px);
  }

  zoom(factor: number, at?: Point): void {
    this.follows.value = false;
    const pane = this.pane.peek();
    const about = at ?? { x: pane.width_px / 2, y: pane.height_px / 2 };
    this.view.value = zoomed(this.view.peek(), pane, about, factor);
  }

  resize(area: Size): void {
    const before = this.area.peek();
    if (before.width_px === area.width_px && before.height_px === area.height_px) return;
    this.area.value = area;
    if (this.follows.peek()) this.fit();
  }

  #redraw(): void {
    this.drawn.value = this.drawn.peek() + 1;
  }

  #anotherSeries(): void {
    this.mosaic.forget();
    const key = this.daemon.seriesKey.peek();
    // A daemon that starts anew has no series for a moment: what was looked at is then found again.
    if (key !== "" && key !== this.#shown) {
      this.#shown = key;
      this.marked.value = null;
      this.follows.value = true;
      this.bounds.value = null;
      const known = field(this.daemon.acquisition.peek());
      if (known) this.#grow(known);
    }
    this.#tiles.poke();
    this.#redraw();
  }

  #grow(bounds: Region): void {
    const before = this.bounds.peek();
    if (before && JSON.stringify(before) === JSON.stringify(bounds)) return;
    this.bounds.value = bounds;
    if (this.follows.peek()) this.fit();
  }

  #poll(): Poller<void> {
    const { acquisition } = this.daemon;
    return this.daemon.poll<void>({
      timeout_ms: TIMEOUT_MS,
      interval_ms: () => (this.#more ? 0 : isOpen(acquisition.peek()) ? GROWING_MS : STILL_MS),
      ask: async (abort) => {
        this.#more = false;
        const series = acquisition.peek();
        if (!series || isWidefield(series) || this.area.peek().width_px === 0) return;
        const asked = this.mosaic.ask({
          series_id: series.seriesId,
          look: this.look.peek(),
          seen: visible(this.view.peek(), this.pane.peek()),
          nm_per_device_px: this.view.peek().nm_per_px / devicePixelRatio,
        });
        await this.#take(asked, await orNothing(this.daemon.api.preview.getTiles(asked.request, { signal: abort })));
      },
      take: () => {},
      fail: (error) => {
        this.trouble.value = said(error);
      },
    });
  }

  async #take(asked: Asked, answer: GetTilesResponse | null): Promise<void> {
    this.trouble.value = "";
    if (answer === null) {
      // Its map is no longer in the daemon's memory.
      this.mosaic.forget();
      this.#redraw();
      return;
    }
    this.#more = await this.mosaic.take(asked, answer);
    const bounds = this.mosaic.pyramid?.bounds;
    if (bounds) this.#grow(bounds);
    this.#redraw();
  }
}

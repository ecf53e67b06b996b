// The camera's latest frame, while it is shown.
// In: GetFrame's answers, which wait for a newer one. Out: a bitmap with what was found in it.
// Never: a frame copied by the daemon that nobody looks at, two bitmaps kept.

import { signal } from "@preact/signals";
import type { Poller } from "../connection/poller";
import { orNothing } from "../connection/transport";
import { type Daemon, isOpen, onChange } from "../daemon/daemon";
import type { CameraFrame } from "../gen/blinkd/v1/preview_pb";

export interface ShownFrame {
  readonly bitmap: ImageBitmap;
  readonly frame: CameraFrame;
}

/** It waits up to a second for a newer frame. */
const TIMEOUT_MS = 5000;
const NEXT_MS = 100;
const NOTHING_NEW_MS = 500;
const DONE_MS = 2000;
const SIDE_PX = 1024;

export class Frames {
  readonly shown = signal<ShownFrame | null>(null);
  readonly wanted = signal(false);
  #poller: Poller<CameraFrame | null>;
  #series = "";
  #pace_ms = NEXT_MS;

  constructor(daemon: Daemon) {
    const { seriesKey, acquisition } = daemon;
    this.#poller = daemon.poll<CameraFrame | null>({
      timeout_ms: TIMEOUT_MS,
      interval_ms: () => (this.wanted.peek() ? (isOpen(acquisition.peek()) ? this.#pace_ms : DONE_MS) : null),
      ask: (abort) => {
        const series = acquisition.peek();
        if (!this.wanted.peek() || !series) return Promise.resolve(null);
        const newest = this.shown.peek()?.frame.seq;
        const asked = { seriesId: series.seriesId, maxSidePx: SIDE_PX };
        const request = newest === undefined ? asked : { ...asked, newerThanSeq: newest };
        return orNothing(daemon.api.preview.getFrame(request, { signal: abort }));
      },
      take: (answer) => this.#take(answer, seriesKey.peek()),
      fail: () => {},
    });
    onChange(seriesKey, () => {
      this.#forget();
      this.#poller.poke();
    });
    onChange(this.wanted, () => this.#poller.poke());
    daemon.onReturn((another) => {
      if (another) this.#forget();
    });
  }

  async #take(answer: CameraFrame | null, series: string): Promise<void> {
    this.#pace_ms = NOTHING_NEW_MS;
    if (answer === null || answer.png.length === 0 || answer.seriesId.join(",") !== series) return;
    const bitmap = await createImageBitmap(new Blob([new Uint8Array(answer.png)], { type: "image/png" }));
    this.#series = series;
    this.shown.peek()?.bitmap.close();
    this.shown.value = { bitmap, frame: answer };
    this.#pace_ms = NEXT_MS;
  }

  #forget(): void {
    this.shown.peek()?.bitmap.close();
    this.shown.value = null;
    this.#series = "";
  }

  /** Of which series the shown frame is. */
  get series(): string {
    return this.#series;
  }
}

// Everything the viewer knows of the daemon, kept up to date while somebody looks.
// In: answers to unary questions, one of a kind in flight. Out: signals that components read.
// Never: a question for what no part of the screen shows, a question while the tab is hidden.

import { computed, effect, type Signal, signal, untracked } from "@preact/signals";
import { Link } from "../connection/link";
import { Poller, type Question } from "../connection/poller";
import { type Api, orNothing, wantsToken } from "../connection/transport";
import {
  type Acquisition,
  type DaemonStatus,
  SeriesState,
  type SeriesStatistics,
} from "../gen/blinkd/v1/acquisitions_pb";
import type { Scan } from "../gen/blinkd/v1/scans_pb";

const TIMEOUT_MS = 4000;
const STATUS_MS = 500;
const SERIES_MS = 500;
/** Of a scan, tiles are most of the answer: they come less often. */
const TILES_MS = 2000;
const FEW_TILES = 64;
const LIST_MS = 2000;
/** The newest series that can be chosen. */
const LIST_MOST = 64;
const STATISTICS_MS = 1000;
const SCAN_MS = 1000;
/** What nobody adds to is looked at less often. */
const DONE_MS = 2000;

export const isOpen = (acquisition: Acquisition | null) =>
  acquisition?.state === SeriesState.RECEIVING || acquisition?.state === SeriesState.DRAINING;

export class Daemon {
  readonly link = new Link();
  readonly status = signal<DaemonStatus | null>(null);
  readonly list = signal<readonly Acquisition[]>([]);
  /** The series that is shown. */
  readonly acquisition = signal<Acquisition | null>(null);
  /** Chosen from the list; null: the newest is followed. */
  readonly chosen = signal<Uint8Array | null>(null);
  readonly statistics = signal<SeriesStatistics | null>(null);
  readonly scan = signal<Scan | null>(null);
  /** What the screen shows now. */
  readonly wanted = { statistics: signal(false), scan: signal(false) };
  readonly seriesKey = computed(() => this.acquisition.value?.seriesId.join(",") ?? "");
  readonly #pollers: Poller<never>[] = [];
  readonly #onReturn: ((another: boolean) => void)[] = [];

  constructor(readonly api: Api) {
    this.link.onReturn = (another) => this.#returned(another);
    this.#status();
    this.#series();
    this.#statistics();
    this.#scan();
    this.#hide();
  }

  start(): void {
    for (const poller of this.#pollers) {
      if (document.hidden) poller.pause();
      poller.start();
    }
  }

  /** A question of a component; it rests while the tab is hidden and wakes when the daemon is back. */
  poll<T>(question: Question<T>): Poller<T> {
    const poller = new Poller<T>(question);
    this.#pollers.push(poller as Poller<never>);
    return poller;
  }

  /** Called when the daemon is there again; `another`: nothing known of it holds. */
  onReturn(call: (another: boolean) => void): void {
    this.#onReturn.push(call);
  }

  choose(series_id: Uint8Array | null): void {
    this.chosen.value = series_id;
  }

  /** What the daemon answered to a change. */
  show(acquisition: Acquisition): void {
    if (acquisition.seriesId.join(",") !== this.seriesKey.peek()) return;
    this.acquisition.value = this.#withTiles(acquisition);
  }

  /** Tiles that were not asked for are those that are known. */
  #withTiles(acquisition: Acquisition): Acquisition {
    const shown = this.acquisition.peek();
    const same = shown !== null && acquisition.seriesId.join(",") === shown.seriesId.join(",");
    return acquisition.tiles.length === 0 && same ? { ...acquisition, tiles: shown.tiles } : acquisition;
  }

  /** After the person changed something: look at once. */
  refresh(): void {
    for (const poller of this.#pollers) poller.poke();
  }

  /** Ask everything now, also where the last answer was a failure. */
  wake(): void {
    for (const poller of this.#pollers) poller.wake();
  }

  #returned(another: boolean): void {
    if (another) {
      // The series stays until the new daemon says whether it has it: the view is of the same sample.
      this.statistics.value = null;
      this.scan.value = null;
    }
    for (const call of this.#onReturn) call(another);
    this.wake();
  }

  #status(): void {
    this.poll({
      timeout_ms: TIMEOUT_MS,
      interval_ms: () => STATUS_MS,
      ask: (abort) => this.api.acquisitions.getStatus({}, { signal: abort }),
      take: (status) => {
        this.status.value = status;
        this.link.answered(status.instance);
      },
      fail: (error) => {
        if (wantsToken(error)) this.link.denied();
        else this.link.failed(Date.now());
      },
    });
  }

  #series(): void {
    let tiles_ms = 0;
    const series = this.poll({
      timeout_ms: TIMEOUT_MS,
      interval_ms: () => SERIES_MS,
      ask: (abort) => {
        const shown = this.acquisition.peek();
        const seriesId = this.chosen.peek() ?? new Uint8Array();
        const another = seriesId.length > 0 && seriesId.join(",") !== this.seriesKey.peek();
        const few = (shown?.tiles.length ?? 0) <= FEW_TILES || another;
        const withoutTiles = !few && Date.now() - tiles_ms < TILES_MS;
        if (!withoutTiles) tiles_ms = Date.now();
        return orNothing(this.api.acquisitions.getAcquisition({ seriesId, withoutTiles }, { signal: abort }));
      },
      take: (acquisition) => {
        const chosen = this.chosen.peek();
        if (acquisition && chosen && chosen.join(",") !== acquisition.seriesId.join(",")) return;
        this.acquisition.value = acquisition && this.#withTiles(acquisition);
        // A series that the daemon has forgotten: what is newest is better than nothing.
        if (!acquisition) this.chosen.value = null;
      },
      fail: () => {},
    });
    const list = this.poll({
      timeout_ms: TIMEOUT_MS,
      interval_ms: () => LIST_MS,
      ask: (abort) => this.api.acquisitions.listAcquisitions({ most: LIST_MOST }, { signal: abort }),
      take: (answer) => {
        this.list.value = answer.acquisitions;
      },
      fail: () => {},
    });
    onChange(this.chosen, () => series.poke());
    onChange(this.seriesKey, () => list.poke());
  }

  #statistics(): void {
    const { statistics: wanted } = this.wanted;
    this.#shown(wanted, this.statistics, {
      timeout_ms: TIMEOUT_MS,
      interval_ms: () => (wanted.peek() ? this.#pace(STATISTICS_MS) : null),
      ask: (abort) => this.api.acquisitions.getStatistics({ seriesId: this.#shownId() }, { signal: abort }),
    });
  }

  #scan(): void {
    const { scan: wanted } = this.wanted;
    this.#shown(wanted, this.scan, {
      timeout_ms: TIMEOUT_MS,
      interval_ms: () => (wanted.peek() ? this.#pace(SCAN_MS) : null),
      ask: (abort) => this.api.scans.getScan({ seriesId: this.#shownId() }, { signal: abort }),
    });
  }

  /** Of the series that is shown, while `wanted`; forgotten when another one is. */
  #shown<T extends { seriesId: Uint8Array }>(
    wanted: Signal<boolean>,
    to: Signal<T | null>,
    question: Pick<Question<T | null>, "timeout_ms" | "interval_ms"> & { ask(abort: AbortSignal): Promise<T> },
  ): void {
    const poller = this.poll<T | null>({
      ...question,
      ask: (abort) =>
        wanted.peek() && this.seriesKey.peek() !== "" ? orNothing(question.ask(abort)) : Promise.resolve(null),
      take: (answer) => {
        if (answer === null || answer.seriesId.join(",") === this.seriesKey.peek()) to.value = answer;
      },
      fail: () => {},
    });
    onChange(this.seriesKey, () => {
      to.value = null;
      poller.poke();
    });
    onChange(wanted, () => poller.poke());
  }

  #shownId(): Uint8Array {
    return this.acquisition.peek()?.seriesId ?? new Uint8Array();
  }

  #pace(ms: number): number {
    return isOpen(this.acquisition.peek()) ? ms : DONE_MS;
  }

  #hide(): void {
    document.addEventListener("visibilitychange", () => {
      for (const poller of this.#pollers) {
        if (document.hidden) poller.pause();
        else poller.resume();
      }
    });
  }
}

/** Calls at each change, not now. */
export function onChange<T>(of: { value: T; peek(): T }, call: () => void): void {
  let before = of.peek();
  effect(() => {
    const now = of.value;
    if (now === before) return;
    before = now;
    untracked(call);
  });
}

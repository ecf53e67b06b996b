// Asks the daemon one kind of question again and again.
// In: a question, what to do with the answer, how often. Out: answers in order, one request in flight at most.
// Never: two requests of a kind at once, a request without a time-out, a request while paused.

export interface Question<T> {
  ask(signal: AbortSignal): Promise<T>;
  take(answer: T): void | Promise<void>;
  fail(error: unknown): void;
  /** Until the next question; null: rest until poked. */
  interval_ms(): number | null;
  timeout_ms: number;
}

/** Waiting after the n-th failure in a row grows to this. */
export const BACK_OFF_MAX_MS = 2000;
const BACK_OFF_FIRST_MS = 250;

/** Half of it is chance, so that many tabs do not come back at the same instant. */
export function backOff_ms(failures: number, random: number): number {
  const whole = Math.min(BACK_OFF_MAX_MS, BACK_OFF_FIRST_MS * 2 ** Math.max(0, failures - 1));
  return whole * (0.5 + 0.5 * random);
}

export class Poller<T> {
  #question: Question<T>;
  #random: () => number;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #inFlight: AbortController | null = null;
  #again = false;
  #failures = 0;
  #started = false;
  #paused = false;

  constructor(question: Question<T>, random: () => number = Math.random) {
    this.#question = question;
    this.#random = random;
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#schedule(0);
  }

  /** Ends; an answer that is on its way is dropped. */
  stop(): void {
    this.#started = false;
    this.#unschedule();
    this.#inFlight?.abort();
    this.#inFlight = null;
    this.#again = false;
    this.#failures = 0;
  }

  pause(): void {
    this.#paused = true;
    this.#unschedule();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.wake();
  }

  /** Something changed: ask as soon as the request in flight is answered. Does not shorten a back-off. */
  poke(): void {
    if (this.#failures === 0) this.wake();
  }

  /** Ask now, back-off or not: the daemon is back. */
  wake(): void {
    if (this.#inFlight) this.#again = true;
    else this.#schedule(0);
  }

  #schedule(wait_ms: number): void {
    this.#unschedule();
    if (!this.#started || this.#paused) return;
    this.#timer = setTimeout(() => void this.#turn(), wait_ms);
  }

  #unschedule(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  async #turn(): Promise<void> {
    this.#timer = null;
    const abort = new AbortController();
    this.#inFlight = abort;
    this.#again = false;
    const question = this.#question;
    const limit = setTimeout(() => abort.abort(new Error("the daemon did not answer in time")), question.timeout_ms);
    try {
      const answer = await raced(question.ask(abort.signal), abort.signal);
      if (this.#inFlight !== abort) return;
      await question.take(answer);
      if (this.#inFlight !== abort) return;
      this.#failures = 0;
    } catch (error) {
      if (this.#inFlight !== abort) return;
      this.#failures += 1;
      question.fail(error);
    } finally {
      clearTimeout(limit);
    }
    this.#inFlight = null;
    this.#schedule_next();
  }

  #schedule_next(): void {
    if (this.#failures > 0) {
      this.#schedule(this.#again && this.#failures === 1 ? 0 : backOff_ms(this.#failures, this.#random()));
    } else if (this.#again) {
      this.#schedule(0);
    } else {
      const wait_ms = this.#question.interval_ms();
      if (wait_ms !== null) this.#schedule(wait_ms);
    }
  }
}

/** Rejects when the signal does, also where the promise does not look at it. */
function raced<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    promise.then(resolve, reject);
  });
}

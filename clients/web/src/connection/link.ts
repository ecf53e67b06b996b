// Whether the daemon answers, and whether it is still the same one.
// In: answers and failures of the status question. Out: what to tell the person; a call when all is to be read anew.
// Never: "connected" while nothing answers.

import { signal } from "@preact/signals";

export type LinkState =
  | { readonly is: "connecting" }
  | { readonly is: "up" }
  | { readonly is: "away"; readonly since_ms: number }
  | { readonly is: "denied"; readonly tried: boolean };

export class Link {
  readonly state = signal<LinkState>({ is: "connecting" });
  #instance: bigint | null = null;
  #tried = false;
  /** The daemon is there again; `another`: it was started anew, so nothing known of it holds. */
  onReturn: (another: boolean) => void = () => {};

  answered(instance: bigint): void {
    const another = this.#instance !== null && this.#instance !== instance;
    const back = this.state.value.is !== "up";
    this.#instance = instance;
    if (back) this.state.value = { is: "up" };
    if (back || another) this.onReturn(another);
  }

  failed(now_ms: number): void {
    if (this.state.value.is !== "away") this.state.value = { is: "away", since_ms: now_ms };
  }

  /** A token is asked for; after the first one was tried, it was the wrong one. */
  denied(): void {
    if (this.state.value.is !== "denied") this.state.value = { is: "denied", tried: this.#tried };
  }

  tokenGiven(): void {
    this.#tried = true;
    this.state.value = { is: "connecting" };
  }
}

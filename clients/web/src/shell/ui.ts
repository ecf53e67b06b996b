// What of the viewer itself is open: panel, dialogs, notices.
// In: keys and clicks. Out: signals. Never: a browser's own dialog, which would stop everything; more than four notices.

import { type Signal, signal } from "@preact/signals";
import type { ComponentChildren } from "preact";

export const TABS = ["status", "look", "data", "scan", "controls"] as const;
export type Tab = (typeof TABS)[number];

export interface Question {
  readonly title: string;
  readonly text: ComponentChildren;
  readonly action: string;
  readonly answer: (yes: boolean) => void;
}

export interface Notice {
  readonly id: number;
  readonly text: string;
  readonly trouble: boolean;
}

const NOTICES_MAX = 4;
const NOTICE_MS = 6000;
const TROUBLE_MS = 15000;
const NARROW = "(max-width: 760px)";

function kept<T extends string>(key: string, known: readonly T[], otherwise: T): Signal<T> {
  const before = sessionStorage.getItem(key);
  const value = signal<T>(known.find((each) => each === before) ?? otherwise);
  value.subscribe((now) => sessionStorage.setItem(key, now));
  return value;
}

export class Ui {
  readonly tab = kept<Tab>("blinkd.tab", TABS, "status");
  readonly panel = signal(!matchMedia(NARROW).matches);
  readonly wide = signal(false);
  /** Only picture, scale bar and legend: for screenshots. */
  readonly bare = signal(false);
  readonly dialog = signal<"help" | "snapshot" | "verdict" | null>(null);
  /** The model whose card is open. */
  readonly card = signal<string | null>(null);
  readonly question = signal<Question | null>(null);
  readonly notices = signal<readonly Notice[]>([]);
  #next = 1;

  /** Opens a tab; the open one is closed. */
  toggle(tab: Tab): void {
    const open = this.panel.peek() && this.tab.peek() === tab;
    this.tab.value = tab;
    this.panel.value = !open;
  }

  /** Asks before something that cannot be undone. */
  ask(question: Omit<Question, "answer">): Promise<boolean> {
    this.question.peek()?.answer(false);
    return new Promise((resolve) => {
      this.question.value = {
        ...question,
        answer: (yes) => {
          this.question.value = null;
          resolve(yes);
        },
      };
    });
  }

  say(text: string, trouble = false): void {
    const notice = { id: this.#next, text, trouble };
    this.#next += 1;
    this.notices.value = [...this.notices.peek(), notice].slice(-NOTICES_MAX);
    setTimeout(() => this.hush(notice.id), trouble ? TROUBLE_MS : NOTICE_MS);
  }

  hush(id: number): void {
    this.notices.value = this.notices.peek().filter((notice) => notice.id !== id);
  }
}

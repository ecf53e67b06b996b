// The keyboard: what can be done without a mouse.
// In: keys while no field is being typed in. Out: calls. Never: a key of the browser or of a screen reader taken away.

import type { Mode } from "../picture/panes";
import { TABS } from "./ui";
import type { Viewer } from "./viewer";

const PAN_PX = 60;
const ZOOM = 1.5;
const MODES: readonly Mode[] = ["picture", "side", "blend"];

export const KEYS: readonly (readonly [string, string])[] = [
  ["Arrow keys", "move the picture (with Shift: further)"],
  ["+  −", "zoom in, zoom out"],
  ["F  Home", "show everything"],
  ["M", "picture, side by side, blended"],
  ["X", "crosses on the camera frame"],
  ["S", "snapshot"],
  ["H", "hide everything but picture, scale bar and legend; a click brings it back"],
  ["1 to 5", "status, look, data, scan, controls"],
  ["0", "close or open the panel"],
  ["V", "what is well and what is not"],
  ["?", "this help"],
  ["Esc", "close what is open"],
];

export function listenToKeys(viewer: Viewer): void {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (taken(event.target, event.key)) return;
    const call = binding(viewer, event);
    if (!call) return;
    event.preventDefault();
    call();
  });
}

/** Keys that what has the focus uses itself. */
function taken(target: EventTarget | null, key: string): boolean {
  if (!(target instanceof HTMLElement)) return false;
  const own = target instanceof HTMLInputElement && ["radio", "checkbox", "range"].includes(target.type);
  if (own) return key.startsWith("Arrow") || key === "Home";
  return target.closest("input, select, textarea, dialog, [data-keys]") !== null;
}

function binding(viewer: Viewer, event: KeyboardEvent): (() => void) | undefined {
  const { picture, ui } = viewer;
  const far = event.shiftKey ? 4 * PAN_PX : PAN_PX;
  const calls: Readonly<Record<string, () => void>> = {
    ArrowLeft: () => picture.pan(far, 0),
    ArrowRight: () => picture.pan(-far, 0),
    ArrowUp: () => picture.pan(0, far),
    ArrowDown: () => picture.pan(0, -far),
    "+": () => picture.zoom(ZOOM),
    "=": () => picture.zoom(ZOOM),
    "-": () => picture.zoom(1 / ZOOM),
    f: () => picture.fit(),
    Home: () => picture.fit(),
    m: () => {
      picture.mode.value = MODES[(MODES.indexOf(picture.mode.peek()) + 1) % MODES.length] ?? "picture";
    },
    x: () => {
      picture.crosses.value = !picture.crosses.peek();
    },
    s: () => {
      ui.dialog.value = "snapshot";
    },
    h: () => {
      ui.bare.value = !ui.bare.peek();
    },
    v: () => {
      ui.dialog.value = "verdict";
    },
    "?": () => {
      ui.dialog.value = "help";
    },
    "0": () => {
      ui.panel.value = !ui.panel.peek();
    },
    Escape: () => leave(viewer),
  };
  const tab = TABS[Number(event.key) - 1];
  if (tab) return () => ui.toggle(tab);
  return calls[event.key.length === 1 ? event.key.toLowerCase() : event.key];
}

function leave({ picture, ui }: Viewer): void {
  if (ui.bare.peek()) ui.bare.value = false;
  else picture.marked.value = null;
}

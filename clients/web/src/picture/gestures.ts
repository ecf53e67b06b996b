// Hands on the picture: mouse, touch, wheel.
// In: pointer events of one element. Out: calls of pan, zoom, fit and the cursor's place.
// Never: a gesture that also scrolls or zooms the page.

import { within } from "./panes";
import type { Picture } from "./picture";
import type { Point } from "./view";

/** e-fold per so many pixels of the wheel; a pinch on a trackpad turns a wheel with Ctrl and smaller steps. */
const WHEEL_PX = 400;
const PINCH_WHEEL_PX = 100;
const WHEEL_LINE_PX = 30;
/** A hand is not quite still while it clicks. */
const STILL_PX = 4;

export function listen(element: HTMLElement, picture: Picture): () => void {
  const stop = new AbortController();
  const pointers = new Map<number, Point>();
  let moved = false;
  const at = (event: MouseEvent): Point => {
    const box = element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const inPane = (point: Point) => within(picture.panes.peek(), point);
  const on = <K extends keyof HTMLElementEventMap>(kind: K, call: (event: HTMLElementEventMap[K]) => void) =>
    element.addEventListener(kind, call, { signal: stop.signal, passive: false });

  on("pointerdown", (event) => {
    if (event.button !== 0) return;
    element.setPointerCapture(event.pointerId);
    moved = pointers.size > 0;
    pointers.set(event.pointerId, at(event));
  });
  on("pointermove", (event) => {
    const now = at(event);
    picture.cursor.value = inPane(now);
    const before = pointers.get(event.pointerId);
    if (!before || (!moved && Math.hypot(now.x - before.x, now.y - before.y) < STILL_PX)) return;
    moved = true;
    drag(picture, pointers, event.pointerId, before, now, inPane);
    pointers.set(event.pointerId, now);
  });
  const lift = (event: PointerEvent) => void pointers.delete(event.pointerId);
  on("pointerup", (event) => {
    if (!moved && pointers.has(event.pointerId)) picture.taps.value += 1;
    lift(event);
  });
  on("pointercancel", lift);
  on("pointerleave", () => {
    picture.cursor.value = null;
  });
  on("dblclick", () => picture.fit());
  on("wheel", (event) => {
    event.preventDefault();
    const px = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? event.deltaY * WHEEL_LINE_PX : event.deltaY;
    picture.zoom(Math.exp(-px / (event.ctrlKey ? PINCH_WHEEL_PX : WHEEL_PX)), inPane(at(event)));
  });
  return () => stop.abort();
}

/** One finger pans; two pan with their middle and zoom with their distance. */
function drag(
  picture: Picture,
  pointers: ReadonlyMap<number, Point>,
  id: number,
  before: Point,
  now: Point,
  inPane: (point: Point) => Point,
): void {
  const other = [...pointers].find(([each]) => each !== id)?.[1];
  if (!other) {
    picture.pan(now.x - before.x, now.y - before.y);
    return;
  }
  const apart = (point: Point) => Math.max(1, Math.hypot(point.x - other.x, point.y - other.y));
  picture.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
  picture.zoom(apart(now) / apart(before), inPane({ x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 }));
}

// The picture on the screen.
// In: the picture's signals. Out: a canvas, drawn at most once per frame of the display; what it shows as data-view
// (centre in nm, nm per px) and data-tiles, for tests.
// Never: a drawing while nothing has changed.

import { useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { tileRegions } from "../scan/tiles";
import { listen } from "./gestures";
import { paint, type Scene } from "./paint";
import type { Picture } from "./picture";

export function PictureCanvas({ picture, bare }: { picture: Picture; bare: boolean }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const due = useRef(0);

  useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    const watch = new ResizeObserver(() =>
      picture.resize({ width_px: element.clientWidth, height_px: element.clientHeight }),
    );
    watch.observe(element);
    const deaf = listen(element, picture);
    return () => {
      watch.disconnect();
      deaf();
    };
  }, [picture]);

  const draw = () => {
    due.current = 0;
    const element = canvas.current;
    const context = element?.getContext("2d", { alpha: false });
    if (!element || !context) return;
    const dpr = devicePixelRatio;
    const [width, height] = [Math.round(element.clientWidth * dpr), Math.round(element.clientHeight * dpr)];
    if (element.width !== width || element.height !== height) [element.width, element.height] = [width, height];
    // Taken now and not when it became due: bitmaps may have been closed since.
    paint(context, sceneOf(picture, bare), dpr);
    const { x_nm, y_nm, nm_per_px } = picture.view.peek();
    element.dataset.view = `${x_nm} ${y_nm} ${nm_per_px}`;
    element.dataset.tiles = String(picture.mosaic.tiles);
  };
  useSignalEffect(() => {
    sceneOf(picture, bare);
    void picture.drawn.value;
    if (due.current === 0) due.current = requestAnimationFrame(draw);
  });

  return (
    <canvas
      ref={canvas}
      class="picture"
      tabIndex={0}
      aria-label="Super-resolution picture. Arrow keys move it, plus and minus zoom, F shows all."
    />
  );
}

function sceneOf(picture: Picture, bare: boolean): Scene {
  const series = picture.daemon.acquisition.value;
  return {
    panes: picture.panes.value,
    view: picture.view.value,
    mosaic: picture.mosaic,
    series,
    frame: picture.frames.shown.value,
    blend: picture.blend.value,
    crosses: picture.crosses.value,
    outlines: picture.outlines.value && !bare ? tileRegions(series) : [],
    marked: bare ? null : picture.marked.value,
    field: bare ? null : picture.bounds.value,
  };
}

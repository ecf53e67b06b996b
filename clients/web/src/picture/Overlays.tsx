// What lies over the picture: scale bar, legend, place under the cursor, buttons.
// In: view and legend. Out: elements in the corners. Never: anything that catches the mouse but buttons.

import { useEffect, useRef } from "preact/hooks";
import { isWidefield, knowsPixelSize } from "../daemon/series";
import type { Legend } from "../gen/blinkd/v1/preview_pb";
import { Icon } from "../shell/icons";
import { useViewer } from "../shell/viewer";
import { count, length, position_um, short } from "../units/format";
import { ModeChoice } from "./ModeChoice";
import { scaleBar } from "./scaleBar";
import { toNm } from "./view";

const BAR_ROOM_PX = 180;
const ZOOM = 1.5;

export function Overlays() {
  const { picture, ui } = useViewer();
  void picture.drawn.value;
  const bare = ui.bare.value;
  return (
    <>
      <ScaleBarView />
      {picture.mosaic.legend && picture.shownMode.value !== "frame" && <LegendView legend={picture.mosaic.legend} />}
      {!bare && <ModeBar />}
      {!bare && <ZoomButtons />}
      {!bare && <Place />}
      <Waiting />
    </>
  );
}

function ScaleBarView() {
  const { picture, daemon } = useViewer();
  const series = daemon.acquisition.value;
  if (!series || (isWidefield(series) && !knowsPixelSize(series))) return null;
  const bar = scaleBar(picture.view.value.nm_per_px, Math.min(BAR_ROOM_PX, picture.pane.value.width_px / 3));
  return (
    <div class="scale-bar" role="img" aria-label={`Scale bar: ${length(bar.length_nm)}`}>
      <span style={{ width: `${bar.width_px}px` }} />
      <span data-number="scale">{length(bar.length_nm)}</span>
    </div>
  );
}

function LegendView({ legend }: { legend: Legend }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const steps = Math.floor(legend.rgb.length / 3);
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context || steps === 0) return;
    const image = context.createImageData(steps, 1);
    for (let step = 0; step < steps; step += 1) {
      for (let channel = 0; channel < 3; channel += 1)
        image.data[4 * step + channel] = legend.rgb[3 * step + channel] ?? 0;
      image.data[4 * step + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  }, [legend, steps]);
  if (steps === 0) return null;
  return (
    <div
      class="legend"
      role="img"
      aria-label={`Colours from ${short(legend.low)} to ${short(legend.high)} ${legend.unit}`}
    >
      <canvas ref={canvas} width={steps} height={1} />
      <div>
        <span>{short(legend.low)}</span>
        <span class="unit">{legend.unit}</span>
        <span>{short(legend.high)}</span>
      </div>
    </div>
  );
}

function ModeBar() {
  const { picture, daemon } = useViewer();
  if (isWidefield(daemon.acquisition.value)) return <div class="mode note">widefield: the camera's frame</div>;
  return (
    <div class="mode">
      <ModeChoice label="View" />
      {picture.mode.value === "blend" && (
        <input
          type="range"
          min={0}
          max={1}
          step={0.01}
          aria-label="Share of the camera frame"
          value={picture.blend.value}
          onInput={(event) => {
            picture.blend.value = Number(event.currentTarget.value);
          }}
        />
      )}
    </div>
  );
}

function ZoomButtons() {
  const { picture } = useViewer();
  return (
    <div class="zoom">
      <button type="button" title="Zoom in (+)" aria-label="Zoom in" onClick={() => picture.zoom(ZOOM)}>
        <Icon name="plus" />
      </button>
      <button type="button" title="Zoom out (−)" aria-label="Zoom out" onClick={() => picture.zoom(1 / ZOOM)}>
        <Icon name="minus" />
      </button>
      <button type="button" title="Show everything (F)" aria-label="Show everything" onClick={() => picture.fit()}>
        <Icon name="fit" />
      </button>
    </div>
  );
}

function Place() {
  const { picture, daemon } = useViewer();
  const cursor = picture.cursor.value;
  const view = picture.view.value;
  const nm = cursor && toNm(view, picture.pane.value, cursor);
  const shown = picture.frames.shown.value?.frame;
  const frame = picture.shownMode.value !== "picture" && shown;
  if (!daemon.acquisition.value) return null;
  return (
    <div class="place">
      {nm && (
        <span>
          x {position_um(nm.x)} · y {position_um(nm.y)} µm
        </span>
      )}
      <span>{length(view.nm_per_px)}/px</span>
      {frame && (
        <span>
          frame {count(frame.seq)}
          {frame.localized ? ` · ${frame.xPx.length} found` : ""} · {short(frame.blackAdu)}–{short(frame.whiteAdu)} ADU
        </span>
      )}
    </div>
  );
}

function Waiting() {
  const { picture, daemon } = useViewer();
  const series = daemon.acquisition.value;
  const status = daemon.status.value;
  if (!status) return <p class="waiting">Connecting to the daemon</p>;
  if (!series) return <p class="waiting">Waiting for frames on {status.frameEndpoint}</p>;
  if (picture.trouble.value && daemon.link.state.value.is === "up")
    return <p class="waiting">{picture.trouble.value}</p>;
  if (isWidefield(series) || series.localizations > 0n || picture.mode.value !== "picture") return null;
  return <p class="waiting">Nothing localized yet</p>;
}

// A picture to keep: of what is seen or of everything, up to the finest pixel there is.
// In: choices. Out: a file. Never: a request that is known to be refused.

import { type Signal, useSignal } from "@preact/signals";
import { nameOf } from "../daemon/series";
import { PictureFormat } from "../gen/blinkd/v1/preview_pb";
import { Choice } from "../shell/Choice";
import { Dialog } from "../shell/Dialog";
import { act, useViewer, type Viewer } from "../shell/viewer";
import { bytes, short } from "../units/format";
import type { Pyramid } from "./pyramid";
import { fileName, pixelChoices, remedy, request, type Wish } from "./snapshot";
import { common, type Region, visible } from "./view";

/** A large one is drawn beside everything else. */
const TIMEOUT_MS = 180_000;

export function SnapshotDialog() {
  const { ui, picture } = useViewer();
  if (ui.dialog.value !== "snapshot") return null;
  const close = () => {
    ui.dialog.value = null;
  };
  const { pyramid } = picture.mosaic;
  return (
    <Dialog title="Snapshot" onClose={close}>
      {pyramid?.bounds ? (
        <Snapshot pyramid={pyramid} everything={pyramid.bounds} close={close} />
      ) : (
        <p class="dim">There is no picture yet.</p>
      )}
    </Dialog>
  );
}

function Snapshot({ pyramid, everything, close }: { pyramid: Pyramid; everything: Region; close: () => void }) {
  const viewer = useViewer();
  const { picture, daemon } = viewer;
  const what = useSignal<"view" | "everything">("view");
  const format = useSignal(PictureFormat.PNG);
  const scale_bar = useSignal(true);
  const busy = useSignal(false);
  const seen = common(visible(picture.view.value, picture.pane.value), everything) ?? everything;
  const region = what.value === "view" ? seen : everything;
  const choices = pixelChoices(pyramid, region);
  const picked = useSignal(0);
  const chosen = choices[Math.min(picked.value, choices.length - 1)];
  const series = daemon.acquisition.value;
  if (!chosen || !series) return null;
  const problem = remedy(choices, chosen);
  const take = async () => {
    busy.value = true;
    const done = await taken(viewer, nameOf(series), {
      series_id: series.seriesId,
      region,
      pixel_nm: chosen.pixel_nm,
      look: picture.look.value,
      format: format.value,
      scale_bar: scale_bar.value,
    });
    busy.value = false;
    if (done) close();
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void take();
      }}
    >
      <What what={what} format={format} />
      <label class="field">
        <span>Pixel</span>
        <select value={picked.value} onChange={(event) => (picked.value = Number(event.currentTarget.value))}>
          {choices.map((choice, at) => (
            <option key={choice.level} value={at}>
              {short(choice.pixel_nm)} nm: {choice.width_px} × {choice.height_px} pixels
            </option>
          ))}
        </select>
      </label>
      <label class="toggle">
        <input
          type="checkbox"
          disabled={format.value === PictureFormat.OME_TIFF}
          checked={scale_bar.value && format.value === PictureFormat.PNG}
          onChange={(event) => (scale_bar.value = event.currentTarget.checked)}
        />
        <span>scale bar in the picture</span>
      </label>
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      <footer>
        <button type="button" onClick={close}>
          Cancel
        </button>
        <button type="submit" class="primary" disabled={problem !== "" || busy.value}>
          {busy.value ? "Drawing…" : "Save"}
        </button>
      </footer>
    </form>
  );
}

function What({ what, format }: { what: Signal<"view" | "everything">; format: Signal<PictureFormat> }) {
  return (
    <>
      <Choice
        label="Of"
        value={what.value}
        options={[
          ["view", "what is seen"],
          ["everything", "everything"],
        ]}
        onChange={(value) => {
          what.value = value;
        }}
      />
      <Choice
        label="As"
        value={format.value}
        options={[
          [PictureFormat.PNG, "PNG, as it looks"],
          [PictureFormat.OME_TIFF, "OME-TIFF, numbers"],
        ]}
        onChange={(value) => {
          format.value = value;
        }}
      />
    </>
  );
}

function taken(viewer: Viewer, series: string, wish: Wish) {
  const name = fileName(series, wish.format, new Date());
  return act(
    viewer,
    async () => {
      const answer = await viewer.daemon.api.preview.renderPicture(request(wish), { timeoutMs: TIMEOUT_MS });
      save(answer.png, name, wish.format);
      return answer;
    },
    (answer) => `${name}: ${answer.widthPx} × ${answer.heightPx} pixels, ${bytes(answer.png.length)}`,
  );
}

function save(content: Uint8Array, name: string, format: PictureFormat): void {
  const type = format === PictureFormat.OME_TIFF ? "image/tiff" : "image/png";
  const url = URL.createObjectURL(new Blob([new Uint8Array(content)], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

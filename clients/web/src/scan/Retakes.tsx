// Tiles that are wanted again. In: the selection, the daemon's lists. Out: requests, after a question.
// Never: a tile taken again without a question first.

import type { Signal } from "@preact/signals";
import type { Scan } from "../gen/blinkd/v1/scans_pb";
import { act, useViewer } from "../shell/viewer";
import { failed } from "./tiles";

/** Of a long list so many are named. */
const LISTED = 24;

export function Retakes({ scan, selected }: { scan: Scan; selected: Signal<ReadonlySet<number>> }) {
  const viewer = useViewer();
  const { ui, daemon } = viewer;
  const bad = failed(scan);
  const chosen = [...selected.value].sort((a, b) => a - b);
  const request = (tiles: readonly number[], withdraw: boolean) =>
    act(
      viewer,
      async () => {
        daemon.scan.value = await daemon.api.scans.requestRetakes({
          seriesId: scan.seriesId,
          tiles: [...tiles],
          withdraw,
        });
        selected.value = new Set();
      },
      () => (withdraw ? `${named(tiles)} no longer wanted again` : `${named(tiles)} wanted again`),
    );
  const ask = async (tiles: readonly number[]) => {
    const yes = await ui.ask({
      title: `Take ${named(tiles)} again?`,
      text: (
        <p>
          Whoever drives the scan goes back to {listed(tiles)}. New frames are added to those that are there; the sample
          is exposed again.
        </p>
      ),
      action: "Take again",
    });
    if (yes) await request(tiles, false);
  };
  return (
    <section>
      <h3>Retakes</h3>
      <p class="dim">
        {scan.retake.length === 0 ? "No tile is wanted again." : `Wanted again: ${listed(scan.retake)}.`}
      </p>
      <div class="buttons">
        <button type="button" disabled={chosen.length === 0} onClick={() => void ask(chosen)}>
          Take selected again{chosen.length > 0 ? ` (${chosen.length})` : ""}
        </button>
        <button type="button" disabled={bad.length === 0} onClick={() => void ask(bad)}>
          Take all failed again{bad.length > 0 ? ` (${bad.length})` : ""}
        </button>
        <button
          type="button"
          disabled={scan.suspect.length === 0}
          title="Those in which the daemon found something wrong; pointing at one says what"
          onClick={() => void ask(scan.suspect)}
        >
          Mark suspect tiles for retaking{scan.suspect.length > 0 ? ` (${scan.suspect.length})` : ""}
        </button>
        <button
          type="button"
          disabled={scan.retake.length === 0}
          onClick={() => void request(withdrawn(scan, chosen), true)}
        >
          Withdraw{chosen.length > 0 ? " selected" : " all"}
        </button>
      </div>
    </section>
  );
}

const withdrawn = (scan: Scan, chosen: readonly number[]) =>
  chosen.length === 0 ? scan.retake : scan.retake.filter((tile) => chosen.includes(tile));

const named = (tiles: readonly number[]) => `${tiles.length} tile${tiles.length === 1 ? "" : "s"}`;

function listed(tiles: readonly number[]): string {
  const more = tiles.length - LISTED;
  const shown = `tile${tiles.length === 1 ? "" : "s"} ${tiles.slice(0, LISTED).join(", ")}`;
  return more > 0 ? `${shown} and ${more} more` : shown;
}

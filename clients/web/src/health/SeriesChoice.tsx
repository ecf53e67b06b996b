// Which series is shown. In: the daemon's list. Out: a choice, or the newest followed. Never: a jump nobody asked for.

import { titleOf } from "../daemon/series";
import { useViewer } from "../shell/viewer";
import { hex } from "../units/format";

/** The daemon remembers a thousand; older ones than these are found with a script. */
const LISTED = 200;

export function SeriesChoice() {
  const { daemon } = useViewer();
  const shown = daemon.acquisition.value;
  const follows = daemon.chosen.value === null;
  const newestFirst = [...daemon.list.value].sort((a, b) => Number(b.startUnixNs - a.startUnixNs)).slice(0, LISTED);
  const listed = shown && !newestFirst.some((each) => hex(each.seriesId) === hex(shown.seriesId));
  const all = listed ? [shown, ...newestFirst] : newestFirst;
  const choose = (id: string) => {
    const series = all.find((each) => hex(each.seriesId) === id);
    if (series) daemon.choose(series.seriesId);
  };
  return (
    <div class="series">
      <select
        aria-label="Series"
        disabled={all.length === 0}
        value={shown ? hex(shown.seriesId) : ""}
        onChange={(event) => choose(event.currentTarget.value)}
      >
        {all.length === 0 && <option value="">no series yet</option>}
        {all.map((series) => (
          <option key={hex(series.seriesId)} value={hex(series.seriesId)}>
            {titleOf(series)}
          </option>
        ))}
      </select>
      <label class="toggle" title="Show each new series as soon as it begins">
        <input
          type="checkbox"
          checked={follows}
          onChange={(event) => daemon.choose(event.currentTarget.checked ? null : (shown?.seriesId ?? null))}
        />
        <span>follow newest</span>
      </label>
    </div>
  );
}

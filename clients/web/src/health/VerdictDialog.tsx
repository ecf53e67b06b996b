// All reasons behind the lamp, each with its remedy. In: the verdict. Out: a dialog. Never: trouble without advice.

import { Dialog } from "../shell/Dialog";
import { Lamp } from "../shell/icons";
import { useViewer } from "../shell/viewer";
import { type Reason, verdict } from "./verdict";

export function VerdictDialog() {
  const { daemon, ui } = useViewer();
  if (ui.dialog.value !== "verdict") return null;
  const { reasons, headline, light } = verdict(daemon.acquisition.value, daemon.status.value);
  const away = daemon.link.state.value.is === "away" ? [AWAY] : [];
  const all = [...away, ...reasons];
  return (
    <Dialog title="What is well and what is not" onClose={() => (ui.dialog.value = null)}>
      <Reasons reasons={all.length > 0 ? all : [{ light, what: headline, remedy: "" }]} />
    </Dialog>
  );
}

const AWAY: Reason = {
  light: "trouble",
  what: "No connection to the daemon",
  remedy: "Is `blinkd serve` running, and can this machine reach it? The viewer goes on trying.",
};

export function Reasons({ reasons }: { reasons: readonly Reason[] }) {
  return (
    <ul class="reasons">
      {reasons.map((reason) => (
        <li key={reason.what + reason.remedy} class={reason.light}>
          <Lamp light={reason.light} />
          <div>
            <strong>{reason.what}</strong>
            {reason.remedy && <p>{reason.remedy}</p>}
          </div>
        </li>
      ))}
    </ul>
  );
}

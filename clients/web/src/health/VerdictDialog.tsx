// All reasons behind the lamp, each with its remedy. In: the verdict. Out: a dialog. Never: trouble without advice.

import { Dialog } from "../shell/Dialog";
import { Lamp } from "../shell/icons";
import { useViewer } from "../shell/viewer";
import { type Reason, verdict } from "./verdict";

export function VerdictDialog() {
  const { daemon, ui } = useViewer();
  if (ui.dialog.value !== "verdict") return null;
  const { reasons, headline, light } = verdict(daemon.acquisition.value, daemon.status.value);
  return (
    <Dialog title="What is well and what is not" onClose={() => (ui.dialog.value = null)}>
      <Reasons reasons={reasons.length > 0 ? reasons : [{ light, what: headline, remedy: "" }]} />
    </Dialog>
  );
}

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

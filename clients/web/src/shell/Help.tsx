// What the keys and the mouse do. In: the list of keys. Out: a dialog. Never: a key that is not bound.

import { Dialog } from "./Dialog";
import { KEYS } from "./keys";
import { useViewer } from "./viewer";

export function Help() {
  const { ui, daemon } = useViewer();
  if (ui.dialog.value !== "help") return null;
  return (
    <Dialog title="Keys and mouse" onClose={() => (ui.dialog.value = null)}>
      <dl class="keys">
        {KEYS.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <p class="dim">
        Drag to move, turn the wheel or pinch to zoom at the pointer, double-click to show everything. blinkd{" "}
        {daemon.status.value?.version ?? ""}
      </p>
    </Dialog>
  );
}

// Short messages that go by themselves.
// In: notices. Out: a corner of the screen, read aloud by screen readers. Never: the only place of lasting trouble.

import { Icon, Lamp } from "./icons";
import { useViewer } from "./viewer";

export function Notices() {
  const { ui } = useViewer();
  return (
    <div class="notices" aria-live="polite">
      {ui.notices.value.map((notice) => (
        <div key={notice.id} class={notice.trouble ? "notice trouble" : "notice"}>
          <Lamp light={notice.trouble ? "trouble" : "good"} />
          <span>{notice.text}</span>
          <button type="button" class="quiet" aria-label="Dismiss" onClick={() => ui.hush(notice.id)}>
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}

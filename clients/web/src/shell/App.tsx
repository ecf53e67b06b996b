// The viewer as a whole: strip, picture, panel. In: the three models. Out: the page. Never: state of its own.

import { ControlsPanel } from "../controls/ControlsPanel";
import { DataPanel } from "../data/DataPanel";
import { CardDialog } from "../health/CardDialog";
import { StatusPanel } from "../health/StatusPanel";
import { Strip } from "../health/Strip";
import { VerdictDialog } from "../health/VerdictDialog";
import { PictureCanvas } from "../picture/Canvas";
import { LookPanel } from "../picture/LookPanel";
import { Overlays } from "../picture/Overlays";
import { SnapshotDialog } from "../picture/SnapshotDialog";
import { ScanPanel } from "../scan/ScanPanel";
import { Banner, TokenDialog } from "./Banner";
import { Confirmation } from "./Dialog";
import { Help } from "./Help";
import { Icon } from "./icons";
import { Notices } from "./Notices";
import { TABS, type Tab } from "./ui";
import { useViewer, type Viewer, ViewerContext } from "./viewer";

export function App({ viewer }: { viewer: Viewer }) {
  return (
    <ViewerContext.Provider value={viewer}>
      <Frame />
      <Confirmation />
      <Help />
      <SnapshotDialog />
      <VerdictDialog />
      <CardDialog />
      <TokenDialog />
      <Notices />
    </ViewerContext.Provider>
  );
}

function Frame() {
  const { daemon, picture, ui } = useViewer();
  const bare = ui.bare.value;
  const stale = daemon.link.state.value.is !== "up" && daemon.status.value !== null;
  const open = ui.panel.value && !bare;
  return (
    <div class={["app", bare ? "bare" : "", stale ? "stale" : "", ui.wide.value && open ? "wide" : ""].join(" ")}>
      {!bare && <Strip />}
      <Banner />
      <main>
        <section class="view" aria-label="Picture">
          <PictureCanvas picture={picture} bare={bare} />
          <Overlays />
        </section>
        {open && <Panel />}
      </main>
      {!bare && <Tabs />}
    </div>
  );
}

const NAMES: Readonly<Record<Tab, string>> = {
  status: "Status",
  look: "Look",
  data: "Data",
  scan: "Scan",
  controls: "Controls",
};

function Tabs() {
  const { ui } = useViewer();
  return (
    <nav class="tabs" aria-label="Panels">
      {TABS.map((tab, at) => {
        const open = ui.panel.value && ui.tab.value === tab;
        return (
          <button
            key={tab}
            type="button"
            aria-pressed={open}
            title={`${NAMES[tab]} (${at + 1})`}
            onClick={() => ui.toggle(tab)}
          >
            <Icon name={tab} />
            <span>{NAMES[tab]}</span>
          </button>
        );
      })}
    </nav>
  );
}

function Panel() {
  const { ui } = useViewer();
  const tab = ui.tab.value;
  return (
    <aside class="panel" aria-label={NAMES[tab]}>
      <header>
        <h2>{NAMES[tab]}</h2>
        <button
          type="button"
          class="quiet widen"
          aria-pressed={ui.wide.value}
          aria-label="Wide panel"
          title="Wide panel"
          onClick={() => (ui.wide.value = !ui.wide.value)}
        >
          <Icon name="wide" />
        </button>
        <button
          type="button"
          class="quiet"
          aria-label="Close the panel"
          title="Close the panel (0)"
          onClick={() => (ui.panel.value = false)}
        >
          <Icon name="close" />
        </button>
      </header>
      <div class="panel-body" key={tab}>
        {tab === "status" && <StatusPanel />}
        {tab === "look" && <LookPanel />}
        {tab === "data" && <DataPanel />}
        {tab === "scan" && <ScanPanel />}
        {tab === "controls" && <ControlsPanel />}
      </div>
    </aside>
  );
}

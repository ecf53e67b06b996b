// What is happening, at a glance: the bar at the top.
// In: the daemon's numbers. Out: one lamp with words, the series, a row of numbers. Never: a number without its unit.

import { isOpen } from "../daemon/daemon";
import { type Acquisition, SeriesState } from "../gen/blinkd/v1/acquisitions_pb";
import { Icon, type IconName, Lamp } from "../shell/icons";
import { useViewer } from "../shell/viewer";
import { bytes, count, latency, short } from "../units/format";
import { failedAttempts } from "./provider";
import { SeriesChoice } from "./SeriesChoice";
import { DISK_LOW_BYTES, type Light, total, verdict } from "./verdict";

export function Strip() {
  const { daemon, ui } = useViewer();
  const series = daemon.acquisition.value;
  const away = daemon.link.state.value.is === "away";
  const now = verdict(series, daemon.status.value);
  return (
    <header class={away ? "strip stale" : "strip"}>
      <button
        type="button"
        class={`verdict ${away ? "trouble" : now.light}`}
        title="What is well and what is not (V)"
        onClick={() => (ui.dialog.value = "verdict")}
      >
        <Lamp light={away ? "trouble" : now.light} />
        <span data-role="verdict">{away ? "No connection" : now.headline}</span>
      </button>
      <SeriesChoice />
      <div class="numbers">
        {series && <Numbers series={series} />}
        <DiskLeft />
        <Engine />
      </div>
      <div class="tools">
        <Tool name="camera" title="Snapshot (S)" onClick={() => (ui.dialog.value = "snapshot")} />
        <Tool
          name="hide"
          title="Hide all but the picture (H); a click brings it back"
          onClick={() => (ui.bare.value = true)}
        />
        <Tool name="help" title="Keys and mouse (?)" onClick={() => (ui.dialog.value = "help")} />
      </div>
    </header>
  );
}

function Tool({ name, title, onClick }: { name: IconName; title: string; onClick: () => void }) {
  return (
    <button type="button" class="quiet" title={title} aria-label={title} onClick={onClick}>
      <Icon name={name} />
    </button>
  );
}

function Numbers({ series }: { series: Acquisition }) {
  const { account } = series;
  const lost = total(account?.lost);
  const missing = total(account?.missing);
  const bad = (frames: bigint): Light => (frames > 0n ? "trouble" : "idle");
  const wait = series.latency?.frames ? series.latency : null;
  const receiving = series.state === SeriesState.RECEIVING;
  return (
    <>
      <Cell name="Camera" value={rate(series.receivedFps, receiving)} unit="fps" id="camera_fps" />
      <Cell name="Processed" value={rate(series.processedFps, isOpen(series))} unit="fps" id="processed_fps" />
      <Cell name="Waiting" value={count(account?.waiting)} unit="frames" id="waiting" />
      <Cell
        name="Latency"
        value={wait ? latency(wait.p50Ms) : "–"}
        unit={wait ? `99 %: ${latency(wait.p99Ms)}` : ""}
        id="latency"
      />
      <Cell name="Lost" value={count(lost)} unit="frames" light={bad(lost)} id="lost" />
      <Cell name="Missing" value={count(missing)} unit="frames" light={bad(missing)} id="missing" />
      <Cell
        name="Dropped"
        value={count(series.droppedByPublisher)}
        unit="by publisher"
        light={bad(series.droppedByPublisher)}
        id="dropped"
      />
      <Cell name="Localizations" value={count(series.localizations)} unit="" id="localizations" />
    </>
  );
}

/** Of a series that has ended the last rate says nothing. */
const rate = (fps: number, running: boolean) => (running ? short(fps) : "–");

/** What computes, and whether something faster was wanted and could not be had. */
function Engine() {
  const { daemon } = useViewer();
  const status = daemon.status.value;
  if (!status) return null;
  const series = daemon.acquisition.value;
  const provider = (series?.provider || status.provider).replace("ExecutionProvider", "");
  const fell = failedAttempts(status.providerAttempts).length > 0;
  return (
    <Cell
      name="Engine"
      value={series?.model || status.model}
      unit={`${provider}${fell ? ", fell back" : ""}`}
      light={fell ? "attention" : "idle"}
      id="engine"
    />
  );
}

function DiskLeft() {
  const { daemon } = useViewer();
  const status = daemon.status.value;
  if (!status) return null;
  const low = status.diskFreeBytes < DISK_LOW_BYTES;
  const light = status.diskFull ? "trouble" : low ? "attention" : "idle";
  return <Cell name="Disk left" value={bytes(status.diskFreeBytes)} unit="" light={light} id="disk" />;
}

interface CellProps {
  name: string;
  value: string;
  unit: string;
  id: string;
  light?: Light;
}

function Cell({ name, value, unit, id, light = "idle" }: CellProps) {
  return (
    <div class={`cell ${light}`}>
      <span class="name">
        {name}
        {light === "trouble" || light === "attention" ? <Lamp light={light} /> : null}
      </span>
      <span class="value" data-number={id}>
        {value}
      </span>
      <span class="unit">{unit}</span>
    </div>
  );
}

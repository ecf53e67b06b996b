// The account of frames, the engine, the recording, the machine: everything that is a number or a name.
// In: the daemon's numbers. Out: tables. Never: a number that the API does not give.

import { isOpen } from "../daemon/daemon";
import { nameOf, pixel_nm, stateOf } from "../daemon/series";
import type { Acquisition, DaemonStatus } from "../gen/blinkd/v1/acquisitions_pb";
import { type Row, Rows, Section } from "../shell/Rows";
import { useViewer } from "../shell/viewer";
import { bytes, clock, count, duration, latency, short, withUnit, words } from "../units/format";
import { EstimateSection } from "./EstimateSection";
import { lostWords, missingWords } from "./losses";
import { failedAttempts } from "./provider";
import { Reasons } from "./VerdictDialog";
import { verdict } from "./verdict";

export function StatusPanel() {
  const { daemon } = useViewer();
  const series = daemon.acquisition.value;
  const status = daemon.status.value;
  const { reasons } = verdict(series, status);
  return (
    <>
      {reasons.length > 0 && <Reasons reasons={reasons} />}
      {series && <FramesSection series={series} />}
      {series && <SeriesSection series={series} />}
      {status && <EngineSection status={status} series={series} />}
      {series?.estimate && <EstimateSection estimate={series.estimate} />}
      {status && <MachineSection status={status} />}
    </>
  );
}

function FramesSection({ series }: { series: Acquisition }) {
  const { account } = series;
  const wait = series.latency?.frames ? series.latency : null;
  const gone = (how: string, numbers: Record<string, bigint> | undefined, say: (key: string) => string): Row[] =>
    Object.entries(numbers ?? {}).map(([key, n]) => ({
      name: `${how}, ${words(key)}`,
      value: count(n),
      light: n > 0n ? "trouble" : "idle",
      title: say(key),
    }));
  const rows: Row[] = [
    { name: "received", value: count(account?.received), id: "received" },
    { name: "processed", value: count(account?.processed), id: "processed" },
    { name: "waiting", value: count(account?.waiting) },
    ...gone("lost", account?.lost, (key) => `${lostWords(key).what}. ${lostWords(key).remedy}`),
    ...gone("missing", account?.missing, (key) => `${missingWords(key).what}. ${missingWords(key).remedy}`),
    { name: "dropped by the publisher", value: count(series.droppedByPublisher) },
    { name: "expected", value: series.expectedFrames > 0n ? count(series.expectedFrames) : "not known" },
    { name: "camera, at last", value: withUnit(series.receivedFps, "fps") },
    { name: "processed, at last", value: withUnit(series.processedFps, "fps") },
    { name: "latency, median", value: wait ? latency(wait.p50Ms) : "–" },
    { name: "latency, 99 %", value: wait ? latency(wait.p99Ms) : "–" },
    { name: "latency, longest", value: wait ? latency(wait.maxMs) : "–" },
  ];
  return (
    <Section title="Frames">
      <Rows rows={rows} />
    </Section>
  );
}

function SeriesSection({ series }: { series: Acquisition }) {
  const pixel = pixel_nm(series);
  const rows: Row[] = [
    { name: "name", value: nameOf(series) },
    { name: "state", value: stateText(series) },
    { name: "began", value: clock(series.startUnixNs) || "–" },
    { name: "from", value: series.source || "–" },
    { name: "field", value: `${series.widthPx} × ${series.heightPx}\u202fpx` },
    { name: "pixel", value: series.pixelSizeXNm > 0 ? `${short(pixel.x)} × ${short(pixel.y)}\u202fnm` : "not known" },
    { name: "exposure", value: series.exposureMs > 0 ? withUnit(series.exposureMs, "ms") : "not known" },
    { name: "localizations", value: count(series.localizations) },
    { name: "files", value: filesText(series) },
    { name: "folder", value: series.folder || "–" },
  ];
  return (
    <Section title="Series">
      <Rows rows={rows} />
    </Section>
  );
}

function stateText(series: Acquisition): string {
  const why = series.closedBecause;
  return why === "" || why === "completed" ? stateOf(series) : `${stateOf(series)}: ${why}`;
}

function filesText(series: Acquisition): string {
  if (series.files.length > 0) return series.files.map(basename).join(", ");
  return isOpen(series) ? "when it ends" : "none yet";
}

const basename = (path: string) => path.split("/").at(-1) ?? path;

function EngineSection({ status, series }: { status: DaemonStatus; series: Acquisition | null }) {
  const { ui } = useViewer();
  const model = series?.model || status.model;
  const name = model.split(" ")[0] ?? "";
  const failed = failedAttempts(status.providerAttempts);
  const rows: Row[] = [
    { name: "model", value: model },
    {
      name: "runs on",
      value: series?.provider || status.provider,
      ...(failed.length > 0 ? { light: "attention" as const, title: "others were tried first" } : {}),
    },
    ...failed.map((attempt): Row => ({ name: "fell back from", value: attempt })),
    { name: "ONNX Runtime", value: status.onnxruntime || "not loaded" },
  ];
  return (
    <Section title="Engine">
      <Rows rows={rows} />
      <button type="button" onClick={() => (ui.card.value = name)}>
        Model card
      </button>
    </Section>
  );
}

function MachineSection({ status }: { status: DaemonStatus }) {
  const rows: Row[] = [
    { name: "disk left", value: bytes(status.diskFreeBytes) },
    { name: "of", value: status.diskBytes > 0n ? bytes(status.diskBytes) : "–" },
    { name: "store", value: status.storeDir || "–" },
    { name: "memory allowed", value: bytes(status.memoryBudgetBytes) },
    { name: "frame socket", value: status.frameEndpoint },
    { name: "open streams", value: String(status.clients) },
    { name: "runs since", value: duration(status.uptimeS) },
    { name: "version", value: status.version },
  ];
  return (
    <Section title="Daemon">
      <Rows rows={rows} />
      <details>
        <summary>Configuration in effect</summary>
        <pre>{status.effectiveConfigToml}</pre>
      </details>
    </Section>
  );
}

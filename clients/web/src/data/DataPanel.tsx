// What the data are like. In: the series' statistics, asked for while this is open. Out: charts.
// Never: a chart of nothing.

import { useEffect } from "preact/hooks";
import type { Drift, FrameCounts, LiveStatistics, Resolution, TimeCourse } from "../gen/blinkd/v1/acquisitions_pb";
import { Rows } from "../shell/Rows";
import { useViewer } from "../shell/viewer";
import { count, short, withUnit } from "../units/format";
import { HistogramChart } from "./HistogramChart";
import { Lines } from "./Lines";

export function DataPanel() {
  const { daemon } = useViewer();
  useEffect(() => {
    daemon.wanted.statistics.value = true;
    return () => {
      daemon.wanted.statistics.value = false;
    };
  }, [daemon]);
  const series = daemon.acquisition.value;
  const statistics = daemon.statistics.value;
  if (!series) return <p class="dim">No series yet.</p>;
  const counted = statistics?.histograms.filter((each) => each.counts.some((n) => n > 0n)) ?? [];
  return (
    <>
      <Now now={series.statistics} localizations={series.localizations} />
      {statistics?.resolution && <ResolutionLine resolution={statistics.resolution} />}
      {!statistics && <p class="dim">No statistics of this series are in memory.</p>}
      <div class="charts">
        {statistics?.course && <Courses course={statistics.course} />}
        {statistics?.recent && <Recent recent={statistics.recent} />}
        {counted.map((histogram) => (
          <HistogramChart key={histogram.quantity} histogram={histogram} />
        ))}
        {statistics && <DriftChart drift={statistics.drift} />}
      </div>
    </>
  );
}

/** Of the last second. */
function Now({ now, localizations }: { now: LiveStatistics | undefined; localizations: bigint }) {
  const cells: [string, string, string][] = [
    ["localizations", count(localizations), "in all"],
    ["per frame", now ? short(now.localizationsPerFrame) : "–", "now"],
    ["density", now ? short(now.densityPerUm2) : "–", "per µm² and frame"],
    ["photons", now ? short(now.photonsMedian) : "–", "median, now"],
    ["background", now ? short(now.backgroundMedian) : "–", "photons per pixel"],
    ["σ lateral", now ? withUnit(now.sigmaLateralMedianNm, "nm") : "–", "median, now"],
  ];
  return (
    <div class="now">
      {cells.map(([name, value, unit]) => (
        <div key={name}>
          <span class="name">{name}</span>
          <span class="value">{value}</span>
          <span class="unit">{unit}</span>
        </div>
      ))}
    </div>
  );
}

/** Of the whole series, where the daemon could measure it. */
function ResolutionLine({ resolution }: { resolution: Resolution }) {
  const known = resolution.frcNm > 0;
  return (
    <div>
      <Rows
        rows={[{ name: "resolution (FRC)", value: known ? withUnit(resolution.frcNm, "nm") : "not known", id: "frc" }]}
      />
      <p class="dim">
        {known
          ? `Fourier ring correlation, ${count(resolution.localizations)} localizations at the busiest place; too short where emitters come back.`
          : resolution.missing}
      </p>
    </div>
  );
}

function Courses({ course }: { course: TimeCourse }) {
  const bins = course.frames.length;
  if (bins === 0) return null;
  const frames = Number(course.framesPerBin);
  const xs = Array.from({ length: bins }, (_, bin) => Number(course.firstSeq) + (bin + 0.5) * frames);
  // A span of which no frame was processed has no mean.
  const measured = (values: readonly number[]) => values.map((v, bin) => (course.frames[bin] ? v : Number.NaN));
  const chart = (title: string, unit: string, values: readonly number[]) => (
    <Lines
      title={title}
      unit={unit}
      headline={short(values.at(-1) ?? Number.NaN)}
      xs={xs}
      xUnit="frame"
      lines={[{ name: "", values: measured(values) }]}
    />
  );
  return (
    <>
      {chart("Density", "per µm² and frame", course.densityPerUm2)}
      {chart("Photons, mean", "", course.photonsMean)}
      {chart("Background, mean", "photons per pixel", course.backgroundMean)}
      {chart("σ lateral, mean", "nm", course.sigmaLateralMeanNm)}
    </>
  );
}

function Recent({ recent }: { recent: FrameCounts }) {
  const counts = recent.localizations;
  if (counts.length === 0) return null;
  const first = Number(recent.lastSeq) - counts.length + 1;
  return (
    <Lines
      title={`Localizations per frame, last ${counts.length}`}
      unit=""
      headline={String(counts.at(-1) ?? 0)}
      xs={counts.map((_, at) => first + at)}
      xUnit="frame"
      lines={[{ name: "", values: counts }]}
    />
  );
}

function DriftChart({ drift }: { drift: Drift | undefined }) {
  if (!drift || drift.seq.length === 0) {
    return (
      <figure class="chart">
        <figcaption>
          <span>Drift</span>
        </figcaption>
        <p class="dim">{drift?.missing || "Not known yet."}</p>
      </figure>
    );
  }
  const total = Math.hypot(drift.xNm.at(-1) ?? 0, drift.yNm.at(-1) ?? 0);
  return (
    <Lines
      title="Drift, not applied"
      unit="nm"
      headline={withUnit(total, "nm")}
      xs={drift.seq.map(Number)}
      xUnit="frame"
      fromZero={false}
      lines={[
        { name: "x", values: drift.xNm, sd: drift.sdNm },
        { name: "y", values: drift.yNm, sd: drift.sdNm },
      ]}
    />
  );
}

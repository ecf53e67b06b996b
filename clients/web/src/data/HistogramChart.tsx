// How often a quantity has which value. In: a histogram of the API. Out: bars and the median.
// Never: bars where nothing was counted.

import type { Histogram } from "../gen/blinkd/v1/acquisitions_pb";
import { count, short, withUnit } from "../units/format";
import { type Axis, around } from "./axes";
import { Chart, type Plot } from "./Chart";

const TITLES: Readonly<Record<string, string>> = {
  photons: "Photons",
  background_photons: "Background",
  sigma_lateral_nm: "σ lateral",
  sigma_z_nm: "σ axial",
  z_nm: "z",
  probability: "Probability",
  on_time_frames: "On-time",
};

export function HistogramChart({ histogram }: { histogram: Histogram }) {
  const { edges, unit, median, logarithmic, quantity } = histogram;
  const counts = histogram.counts.map(Number);
  const [first, last] = filled(counts);
  const low = edges[first] ?? 0;
  const high = edges[last + 1] ?? 1;
  const xAxis: Axis = { low, high, logarithmic: logarithmic && low > 0 };
  const yAxis = around(counts, true);
  const title = TITLES[quantity] ?? quantity.replaceAll("_", " ");
  const read = (share: number) => {
    const at = counts.findIndex((_, bin) => share < placeOf(xAxis, edges[bin + 1] ?? high));
    const [from, to] = [edges[at], edges[at + 1]];
    if (from === undefined || to === undefined) return null;
    return { x: (from + to) / 2, text: `${count(counts[at] ?? 0)} from ${short(from)} to ${short(to)}` };
  };
  return (
    <Chart
      title={title}
      headline={`median ${withUnit(median, unit)}`}
      xAxis={xAxis}
      yAxis={yAxis}
      xUnit={unit}
      yUnit=""
      read={read}
    >
      {(plot) => (
        <>
          <path class="bars" d={bars(plot, edges, counts, first, last)} />
          {median > low && median < high && (
            <line
              class="median"
              x1={plot.x(median)}
              x2={plot.x(median)}
              y1={plot.y(yAxis.low)}
              y2={plot.y(yAxis.high)}
            />
          )}
        </>
      )}
    </Chart>
  );
}

function placeOf({ low, high, logarithmic }: Axis, value: number): number {
  return logarithmic ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
}

/** The bins that hold something, with one of air on either side. */
export function filled(counts: readonly number[]): [number, number] {
  const first = counts.findIndex((n) => n > 0);
  if (first < 0) return [0, Math.max(0, counts.length - 1)];
  const last = counts.findLastIndex((n) => n > 0);
  return [Math.max(0, first - 1), Math.min(counts.length - 1, last + 1)];
}

function bars(plot: Plot, edges: readonly number[], counts: readonly number[], first: number, last: number): string {
  const base = plot.y(0).toFixed(1);
  let d = `M${plot.x(edges[first] ?? 0).toFixed(1)} ${base}`;
  for (let bin = first; bin <= last; bin += 1) {
    const y = plot.y(counts[bin] ?? 0).toFixed(1);
    d += `L${plot.x(edges[bin] ?? 0).toFixed(1)} ${y}L${plot.x(edges[bin + 1] ?? 0).toFixed(1)} ${y}`;
  }
  return `${d}L${plot.x(edges[last + 1] ?? 0).toFixed(1)} ${base}Z`;
}
